//! A sheet in words. Who reads it has a pencil, a telephone and this: numbers are whole, names are not cut, times say their day.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use relight_common::edge::at;
use relight_proto::{
    dispatch::v1::{Crew, Order},
    registry::v1::{LifeSupportCustomer, ServicePoint},
};
use serde::Serialize;

use super::ask::Facts;
use crate::{api::Language, config::Areas, pages::board::order as words_of, words};

/// The page.
#[derive(Debug, Serialize)]
pub struct Sheet {
    /// When it was true.
    as_of: String,
    zone: String,
    orders: Vec<OrderRow>,
    crews: Vec<CrewRow>,
    people: Vec<PersonRow>,
}

#[derive(Debug, Serialize)]
struct OrderRow {
    number: String,
    about: String,
    /// danger, life_support, important: keys of words.
    flags: Vec<&'static str>,
    area: String,
    place: String,
    position: String,
    state: String,
    unit: String,
    crew: String,
    clock: String,
    accepted: String,
    /// Customers still off; while nobody knows them, how many reported.
    off: String,
    etr: String,
}

#[derive(Debug, Serialize)]
struct CrewRow {
    unit: String,
    name: String,
    phone: String,
    members: String,
    skills: String,
    shift: String,
    doing: String,
}

#[derive(Debug, Serialize)]
struct PersonRow {
    account: String,
    name: String,
    contacts: Vec<String>,
    supplies: Vec<Supply>,
}

#[derive(Debug, Serialize)]
struct Supply {
    address: String,
    transformer: String,
    area: String,
}

impl Sheet {
    /// What `facts` say at `now`.
    pub(super) fn new(
        language: Language,
        facts: &Facts,
        areas: &Areas,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let view = View {
            language,
            areas,
            now,
            zone,
        };
        let mut crews: Vec<CrewRow> = facts.crews.iter().map(|crew| view.crew(crew, facts)).collect();
        crews.sort_by(|a, b| (&a.unit, &a.name).cmp(&(&b.unit, &b.name)));
        Self {
            as_of: now.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            zone: zone.name().to_owned(),
            orders: facts
                .orders
                .iter()
                .map(|order| view.order(order, facts))
                .collect(),
            crews,
            people: facts
                .life_support
                .iter()
                .filter_map(|person| view.person(person))
                .collect(),
        }
    }
}

struct View<'a> {
    language: Language,
    areas: &'a Areas,
    now: DateTime<Utc>,
    zone: Tz,
}

impl View<'_> {
    fn order(&self, order: &Order, facts: &Facts) -> OrderRow {
        let flags = [
            (order.danger, "board.danger"),
            (order.life_support, "board.life_support"),
            (order.important, "board.important"),
        ];
        OrderRow {
            number: order.number.clone(),
            about: words_of::about(self.language, order).unwrap_or_default(),
            flags: flags
                .into_iter()
                .filter(|(is, _)| *is)
                .map(|(_, key)| key)
                .collect(),
            area: self.area(&order.org_path),
            place: self.place(order),
            position: order
                .position
                .map(|point| format!("{:.5}, {:.5}", point.lat, point.lon))
                .unwrap_or_default(),
            state: words_of::state_of(self.language, order),
            unit: order.unit_name.clone(),
            crew: order.crew_name.clone(),
            clock: self.clock(order),
            accepted: self.time(at(order.accepted_at)),
            off: self.off(order, facts),
            etr: self.time(at(order.etr_at).or_else(|| at(order.on_at))),
        }
    }

    /// The line of a planned outage, the device of a fault; a guess is called one.
    fn place(&self, order: &Order) -> String {
        let is_guess = order.line.is_empty() && !order.device_id.is_empty() && !order.confirmed;
        match (order.line.as_str(), is_guess) {
            ("", true) => {
                let probable = words::say(self.language, "board.probable", &[]);
                format!("{} ({probable})", order.device_id)
            }
            ("", false) => order.device_id.clone(),
            (line, _) => line.to_owned(),
        }
    }

    fn off(&self, order: &Order, facts: &Facts) -> String {
        if order.affected_count > 0 {
            return order
                .affected_count
                .saturating_sub(order.restored_count)
                .to_string();
        }
        let incident = facts
            .incidents
            .iter()
            .find(|incident| incident.incident_id == order.incident_id);
        let reports = incident.map_or(0, |incident| incident.report_count).to_string();
        words::say(self.language, "paper.off_reports", &[("count", &reports)])
    }

    /// By when what has to be done.
    fn clock(&self, order: &Order) -> String {
        let first = words_of::first_clock(order);
        first.map_or_else(String::new, |(clock, due_at)| {
            let name = words_of::clock_name(self.language, clock);
            format!("{name} {}", self.time(Some(due_at)))
        })
    }

    fn crew(&self, crew: &Crew, facts: &Facts) -> CrewRow {
        let unit = facts.units.iter().find(|unit| unit.unit_id == crew.unit_id);
        let order = facts
            .orders
            .iter()
            .find(|order| order.order_id == crew.active_order_id);
        let members = crew.members.iter().map(|member| match member.leader {
            true => words::say(self.language, "paper.leader", &[("name", &member.name)]),
            false => member.name.clone(),
        });
        CrewRow {
            unit: unit.map(|unit| unit.name.clone()).unwrap_or_default(),
            name: crew.name.clone(),
            phone: crew.phone.clone(),
            members: members.collect::<Vec<_>>().join(", "),
            skills: self.skills(&crew.skills),
            shift: self.shift(crew),
            doing: match order {
                Some(order) => format!("{} {}", order.number, words_of::state_of(self.language, order)),
                None => words::say(self.language, "board.crew_free", &[]),
            },
        }
    }

    fn skills(&self, skills: &[String]) -> String {
        let words = skills.iter().map(|skill| {
            words::find(self.language, &format!("paper.skill_{skill}"), &[]).unwrap_or_else(|| skill.clone())
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn shift(&self, crew: &Crew) -> String {
        match (at(crew.shift_start_at), at(crew.shift_end_at)) {
            (None, None) => words::say(self.language, "paper.no_shift", &[]),
            (from, until) => format!("{} – {}", self.time(from), self.time(until)),
        }
    }

    fn person(&self, person: &LifeSupportCustomer) -> Option<PersonRow> {
        let customer = person.customer.as_ref()?;
        let contacts = person.contacts.iter().map(|contact| match contact.role.as_str() {
            "" | "customer" => contact.value.clone(),
            role => {
                let key = format!("paper.role_{role}");
                let role = words::find(self.language, &key, &[]).unwrap_or_else(|| role.to_owned());
                format!("{} ({role})", contact.value)
            }
        });
        Some(PersonRow {
            account: customer.account.clone(),
            name: customer.name.clone(),
            contacts: contacts.collect(),
            supplies: customer
                .service_points
                .iter()
                .map(|point| self.supply(point))
                .collect(),
        })
    }

    fn supply(&self, point: &ServicePoint) -> Supply {
        let address = match self.language {
            Language::ZhCn => [&point.address_zh, &point.address_en],
            Language::En => [&point.address_en, &point.address_zh],
        };
        Supply {
            address: address
                .into_iter()
                .find(|words| !words.is_empty())
                .cloned()
                .unwrap_or_default(),
            transformer: point.transformer_id.clone(),
            area: self.area(&point.org_path),
        }
    }

    fn area(&self, org_path: &str) -> String {
        let name = self.areas.name(self.language, org_path);
        name.unwrap_or(org_path).to_owned()
    }

    fn time(&self, at: Option<DateTime<Utc>>) -> String {
        at.map(|at| words::short(at, self.now, self.zone))
            .unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "sheet/tests.rs"]
mod tests;
