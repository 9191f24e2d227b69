//! Rows about customers: service point, customer, contact; and streets.

use chrono::NaiveDate;

use crate::network::Position;
use crate::pack::row::{Record, Row, yes_no};
use crate::pack::voltage::{kilovolts, voltage};
use crate::pack::words::{AreaClass, Channel, ContactRole, CustomerClass, Language, OwnGeneration, UseClass};
use crate::phases::Phases;

/// Where one customer is supplied: a load of the network with an address.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePoint {
    /// External id; the load's id in the grid.
    pub id: String,
    /// The bus it hangs on.
    pub bus: String,
    /// The phases it hangs on.
    pub phases: Phases,
    /// Account of the customer supplied here.
    pub account: String,
    /// Number on the meter; empty where unknown.
    pub meter_no: String,
    /// Where it is, WGS84.
    pub position: Position,
    /// Decides the arrival limit.
    pub area_class: AreaClass,
    /// IANA time zone.
    pub zone: String,
    /// Org unit: province/city/county/station, lower case.
    pub org_path: String,
    /// Address in Chinese.
    pub address_zh: String,
    /// Address in English; empty where there is none.
    pub address_en: String,
    /// What can feed back from here.
    pub own_generation: OwnGeneration,
    /// Nominal voltage of the supply, volts; none where nobody says.
    pub voltage_v: Option<u32>,
    /// Is the customer connected.
    pub in_service: bool,
}

/// Who is supplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Account number, unique.
    pub account: String,
    /// Name, as the customer writes it.
    pub name: String,
    /// The language of messages and calls.
    pub language: Language,
    /// How much an interruption matters.
    pub class: CustomerClass,
    /// Somebody's life hangs on the supply.
    pub life_support: bool,
    /// Supplied by a line of their own.
    pub dedicated_line: bool,
    /// What the supply is used for; none where that asks nothing more of a disconnection.
    pub use_class: Option<UseClass>,
    /// Last day of the certificate of life support; none where there is none on file.
    pub life_support_until: Option<NaiveDate>,
}

/// One way to reach a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Account of the customer.
    pub account: String,
    /// The way.
    pub channel: Channel,
    /// E.164 number or e-mail address.
    pub value: String,
    /// The language of messages on this channel.
    pub language: Language,
    /// Whose it is.
    pub role: ContactRole,
    /// The day it was last confirmed; none where nobody says.
    pub confirmed_on: Option<NaiveDate>,
}

/// A street as crews drive it.
#[derive(Debug, Clone, PartialEq)]
pub struct Street {
    /// Unique id.
    pub id: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English; empty where there is none.
    pub name_en: String,
    /// At least two points in driving order.
    pub line: Vec<Position>,
}

const ACCOUNT_RIGHT: &str = "1 to 64 letters, digits, dots, dashes, slashes or underscores";
const ORG_RIGHT: &str =
    "up to 6 units of lower-case letters, digits, - and _ joined by /, like demo/city/east";

impl Record for ServicePoint {
    const FILE: &'static str = "service_point.csv";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "bus",
        "phases",
        "account",
        "meter_no",
        "lon",
        "lat",
        "area_class",
        "zone",
        "org_path",
        "address_zh",
        "address_en",
        "own_generation",
        "in_service",
        "voltage_kv",
    ];
    const OPTIONAL: &'static [&'static str] = &["voltage_kv"];

    fn read(row: &mut Row<'_>) -> Option<ServicePoint> {
        let (id, bus, phases) = (row.id("id"), row.id("bus"), row.phases("phases"));
        let (account, meter_no) = (account(row), row.text("meter_no", 64));
        let position = position(row);
        let (area_class, zone, org_path) = (row.word("area_class"), zone(row), org_path(row));
        let (address_zh, address_en) = (row.filled("address_zh", 200), row.text("address_en", 200));
        let (own_generation, in_service) = (row.word("own_generation"), row.yes_no("in_service"));
        let voltage_v = voltage(row);
        Some(ServicePoint {
            id: id?,
            bus: bus?,
            phases: phases?,
            account: account?,
            meter_no: meter_no?,
            position: position?,
            area_class: area_class?,
            zone: zone?,
            org_path: org_path?,
            address_zh: address_zh?,
            address_en: address_en?,
            own_generation: own_generation?,
            voltage_v: voltage_v?,
            in_service: in_service?,
        })
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.bus.clone(),
            self.phases.to_string(),
            self.account.clone(),
            self.meter_no.clone(),
            self.position.lon.to_string(),
            self.position.lat.to_string(),
            self.area_class.to_string(),
            self.zone.clone(),
            self.org_path.clone(),
            self.address_zh.clone(),
            self.address_en.clone(),
            self.own_generation.to_string(),
            yes_no(self.in_service),
            kilovolts(self.voltage_v),
        ]
    }
}

fn account(row: &mut Row<'_>) -> Option<String> {
    let text = row.filled("account", 64)?;
    let ok = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    if ok {
        Some(text)
    } else {
        row.fault("account", &format!("not an account; write {ACCOUNT_RIGHT}"))
    }
}

fn position(row: &mut Row<'_>) -> Option<Position> {
    let (lon, lat) = (row.number("lon", -180.0, 180.0), row.number("lat", -90.0, 90.0));
    match (lon?, lat?) {
        (Some(lon), Some(lat)) => Position::new(lon, lat),
        (None, _) => row.fault("lon", "empty; write WGS84 degrees from -180 to 180"),
        (_, None) => row.fault("lat", "empty; write WGS84 degrees from -90 to 90"),
    }
}

fn zone(row: &mut Row<'_>) -> Option<String> {
    let zone = row.parsed::<chrono_tz::Tz>("zone", "an IANA time zone like Asia/Shanghai")?;
    Some(zone.name().to_owned())
}

fn org_path(row: &mut Row<'_>) -> Option<String> {
    let text = row.filled("org_path", 128)?;
    let unit_ok = |unit: &str| {
        (1..=32).contains(&unit.len())
            && unit
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    };
    let ok = text.split('/').count() <= 6 && text.split('/').all(unit_ok);
    if ok {
        Some(text)
    } else {
        row.fault("org_path", &format!("not an org path; write {ORG_RIGHT}"))
    }
}

impl Record for Customer {
    const FILE: &'static str = "customer.csv";
    const COLUMNS: &'static [&'static str] = &[
        "account",
        "name",
        "language",
        "class",
        "life_support",
        "dedicated_line",
        "use",
        "life_support_until",
    ];
    const OPTIONAL: &'static [&'static str] = &["use", "life_support_until"];

    fn read(row: &mut Row<'_>) -> Option<Customer> {
        let (account, name) = (account(row), row.filled("name", 100));
        let (language, class) = (row.word("language"), row.word("class"));
        let (life_support, dedicated_line) = (row.yes_no("life_support"), row.yes_no("dedicated_line"));
        let use_class = if row.is_empty("use") {
            Some(None)
        } else {
            row.word("use").map(Some)
        };
        let life_support_until = until(row, life_support);
        Some(Customer {
            account: account?,
            name: name?,
            language: language?,
            class: class?,
            life_support: life_support?,
            dedicated_line: dedicated_line?,
            use_class: use_class?,
            life_support_until: life_support_until?,
        })
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.account.clone(),
            self.name.clone(),
            self.language.to_string(),
            self.class.to_string(),
            yes_no(self.life_support),
            yes_no(self.dedicated_line),
            self.use_class.map(|word| word.to_string()).unwrap_or_default(),
            self.life_support_until
                .map(|day| day.to_string())
                .unwrap_or_default(),
        ]
    }
}

/// A certificate of somebody who is not on life support is a row that says two things.
fn until(row: &mut Row<'_>, life_support: Option<bool>) -> Option<Option<NaiveDate>> {
    if row.is_empty("life_support_until") {
        return Some(None);
    }
    if life_support == Some(false) {
        return row.fault(
            "life_support_until",
            "a certificate, but life_support is no; write yes, or leave the day empty",
        );
    }
    row.parsed("life_support_until", "a day like 2026-12-31")
        .map(Some)
}

impl Record for Contact {
    const FILE: &'static str = "contact.csv";
    const COLUMNS: &'static [&'static str] =
        &["account", "channel", "value", "language", "role", "confirmed_on"];
    const OPTIONAL: &'static [&'static str] = &["role", "confirmed_on"];

    fn read(row: &mut Row<'_>) -> Option<Contact> {
        let (account, channel) = (account(row), row.word("channel"));
        let (value, language) = (row.filled("value", 254), row.word("language"));
        let role = if row.is_empty("role") {
            Some(ContactRole::Customer)
        } else {
            row.word("role")
        };
        let confirmed_on = if row.is_empty("confirmed_on") {
            Some(None)
        } else {
            row.parsed("confirmed_on", "a day like 2026-03-01").map(Some)
        };
        let (channel, value) = (channel?, value?);
        let value_ok = match channel {
            Channel::Sms => is_e164(&value),
            Channel::Email => is_email(&value),
        };
        if !value_ok {
            // The value is personal: the message does not repeat it.
            return row.fault("value", right_value(channel));
        }
        Some(Contact {
            account: account?,
            channel,
            value,
            language: language?,
            role: role?,
            confirmed_on: confirmed_on?,
        })
    }

    fn fields(&self) -> Vec<String> {
        let Contact {
            account,
            channel,
            value,
            language,
            role,
            confirmed_on,
        } = self;
        let role = Some(role).filter(|role| **role != ContactRole::Customer);
        vec![
            account.clone(),
            channel.to_string(),
            value.clone(),
            language.to_string(),
            role.map(ToString::to_string).unwrap_or_default(),
            confirmed_on.map(|day| day.to_string()).unwrap_or_default(),
        ]
    }
}

fn right_value(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "not a phone number; write it with country code and no spaces, like +8619900000001",
        Channel::Email => "not an e-mail address; write it like name@example.org",
    }
}

/// `+` and 8 to 15 digits, the first not 0. Whether the number can exist is asked by who sends to it.
fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else {
        return false;
    };
    (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain = !text.contains(|c: char| c.is_whitespace() || "<>,;:\\\"()[]".contains(c));
    let domain_ok =
        domain.contains('.') && !domain.contains('@') && domain.split('.').all(|part| !part.is_empty());
    plain && !local.is_empty() && local.len() <= 64 && domain_ok
}

impl Record for Street {
    const FILE: &'static str = "street.csv";
    const COLUMNS: &'static [&'static str] = &["id", "name_zh", "name_en", "line"];

    fn read(row: &mut Row<'_>) -> Option<Street> {
        let (id, name_zh, name_en) = (row.id("id"), row.filled("name_zh", 100), row.text("name_en", 100));
        let line = row.filled("line", 1_000_000).map(|text| line_string(&text));
        let Some(line) = line? else {
            return row.fault(
                "line",
                "not a line; write LINESTRING (lon lat, lon lat) with 2 points or more, WGS84",
            );
        };
        Some(Street {
            id: id?,
            name_zh: name_zh?,
            name_en: name_en?,
            line,
        })
    }

    fn fields(&self) -> Vec<String> {
        let points: Vec<String> = self
            .line
            .iter()
            .map(|at| format!("{} {}", at.lon, at.lat))
            .collect();
        let line = format!("LINESTRING ({})", points.join(", "));
        vec![self.id.clone(), self.name_zh.clone(), self.name_en.clone(), line]
    }
}

/// A WKT line string of at least two points.
fn line_string(text: &str) -> Option<Vec<Position>> {
    let inner = text
        .strip_prefix("LINESTRING")?
        .trim()
        .strip_prefix('(')?
        .strip_suffix(')')?;
    let points = inner.split(',').map(|pair| {
        let (lon, lat) = pair.trim().split_once(' ')?;
        Position::new(lon.parse().ok()?, lat.trim().parse().ok()?)
    });
    points
        .collect::<Option<Vec<Position>>>()
        .filter(|line| line.len() >= 2)
}
