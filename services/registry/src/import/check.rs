//! Checks a pack however it was made: the CSV reader has checked most of this, a converted network or a program has not.

use std::collections::HashSet;

use chrono::NaiveDate;
use relight_grid::{Fault, Pack, pack};

use crate::domain::{contact::Normal, fold};

const ACCOUNT_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 100;
const ADDRESS_CHARS_MAX: usize = 200;

/// A contact that has its normal form.
#[derive(Debug)]
pub(crate) struct GoodContact {
    pub(crate) account_key: String,
    pub(crate) language: pack::Language,
    pub(crate) normal: Normal,
    pub(crate) role: pack::ContactRole,
    pub(crate) confirmed_on: Option<NaiveDate>,
}

/// Removes the rows of `pack` that cannot stand, and says why each went. Contacts are moved to the second value; one
/// given twice in different forms counts once.
pub(crate) fn check(pack: &mut Pack) -> (Vec<Fault>, Vec<GoodContact>) {
    let mut faults = Vec::new();
    let mut accounts = HashSet::new();
    pack.customers
        .retain(|customer| keep(&mut faults, customer_fault(customer, &mut accounts)));
    let mut ids = HashSet::new();
    pack.service_points
        .retain(|point| keep(&mut faults, point_fault(point, &accounts, &mut ids)));
    let mut seen = HashSet::new();
    let mut contacts = Vec::new();
    for contact in std::mem::take(&mut pack.contacts) {
        match good_contact(&contact, &accounts) {
            Ok(good) if seen.insert((good.account_key.clone(), good.normal.clone())) => contacts.push(good),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (faults, contacts)
}

fn keep(faults: &mut Vec<Fault>, fault: Option<Fault>) -> bool {
    let good = fault.is_none();
    faults.extend(fault);
    good
}

fn fault(file: &str, column: &str, problem: String) -> Option<Fault> {
    Some(Fault {
        file: file.to_owned(),
        line: None,
        column: Some(column.to_owned()),
        problem,
    })
}

fn customer_fault(customer: &pack::Customer, accounts: &mut HashSet<String>) -> Option<Fault> {
    let file = "customer.csv";
    if !fits(&customer.account, 1, ACCOUNT_CHARS_MAX) {
        return fault(
            file,
            "account",
            format!("{:?} must have 1 to 64 characters", customer.account),
        );
    }
    if !fits(&customer.name, 1, NAME_CHARS_MAX) {
        let problem = format!(
            "the name of account {} must have 1 to 100 characters",
            customer.account
        );
        return fault(file, "name", problem);
    }
    if customer.life_support_until.is_some() && !customer.life_support {
        let problem = format!(
            "account {} has a certificate and no life support",
            customer.account
        );
        return fault(file, "life_support_until", problem);
    }
    if !accounts.insert(fold(&customer.account)) {
        return fault(
            file,
            "account",
            format!("account {} is there twice", customer.account),
        );
    }
    None
}

fn point_fault(
    point: &pack::ServicePoint,
    accounts: &HashSet<String>,
    ids: &mut HashSet<String>,
) -> Option<Fault> {
    let (file, id) = ("service_point.csv", &point.id);
    if !accounts.contains(&fold(&point.account)) {
        return fault(
            file,
            "account",
            format!("service point {id} names an account that is not in customer.csv"),
        );
    }
    if point.zone.parse::<chrono_tz::Tz>().is_err() {
        return fault(
            file,
            "zone",
            format!("service point {id} must have an IANA time zone like Asia/Shanghai"),
        );
    }
    if !is_org_path(&point.org_path) {
        let problem = format!(
            "service point {id} must have an org path of up to 6 units of lower-case letters, digits, - and _, like demo/city/east"
        );
        return fault(file, "org_path", problem);
    }
    if !fits(&point.address_zh, 0, ADDRESS_CHARS_MAX) || !fits(&point.address_en, 0, ADDRESS_CHARS_MAX) {
        return fault(
            file,
            "address_zh",
            format!("an address of service point {id} has more than 200 characters"),
        );
    }
    if !ids.insert(fold(id)) {
        return fault(file, "id", format!("service point {id} is there twice"));
    }
    None
}

fn good_contact(contact: &pack::Contact, accounts: &HashSet<String>) -> Result<GoodContact, Fault> {
    let bad = |column: &str, problem: String| Fault {
        file: "contact.csv".to_owned(),
        line: None,
        column: Some(column.to_owned()),
        problem,
    };
    let account_key = fold(&contact.account);
    if !accounts.contains(&account_key) {
        return Err(bad(
            "account",
            format!("account {} is not in customer.csv", contact.account),
        ));
    }
    // The message names the account: the value is personal.
    let normal = Normal::of("value", contact.channel, &contact.value).map_err(|invalid| {
        bad(
            "value",
            format!("a contact of account {} {}", contact.account, invalid.must),
        )
    })?;
    Ok(GoodContact {
        account_key,
        language: contact.language,
        normal,
        role: contact.role,
        confirmed_on: contact.confirmed_on,
    })
}

fn fits(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.chars().count()) && !text.contains('\0')
}

fn is_org_path(path: &str) -> bool {
    let unit = |unit: &str| {
        (1..=32).contains(&unit.len())
            && unit
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    path.split('/').count() <= 6 && path.split('/').all(unit)
}
