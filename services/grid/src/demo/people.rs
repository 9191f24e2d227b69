//! Who lives behind a transformer.

use super::feeder::Site;
use super::names;
use super::streets::COLUMNS;
use super::{Town, ZONE};
use crate::network::Position;
use crate::pack::{
    AreaClass, Channel, Contact, ContactRole, Customer, CustomerClass, Language, OwnGeneration, ServicePoint,
};
use crate::phases::Phases;

/// English-speaking customers, at most: as many numbers are kept for fiction.
const ENGLISH_MAX: usize = 1_000;

/// What is drawn about one customer before the rows are written.
struct Person {
    name: String,
    language: Language,
    class: CustomerClass,
    life_support: bool,
    dedicated_line: bool,
    own_generation: OwnGeneration,
}

impl Town {
    /// 36 to 46 customers in town, 12 to 20 in the hills, on both low-voltage lines.
    pub(super) fn add_customers(&mut self, site: &Site) {
        let count = match site.hill {
            None => 36 + self.random.below(11),
            Some(_) => 12 + self.random.below(9),
        };
        for nth in 0..count {
            self.households += 1;
            let person = self.person(nth == 0 && site.hill.is_none());
            self.add_rows(site, nth, person);
        }
    }

    /// The first customer of some transformers is an institution or a works.
    fn person(&mut self, may_be_institution: bool) -> Person {
        if may_be_institution && self.random.percent(25.0) {
            let people = &self.pack.customers;
            let institutions = people
                .iter()
                .filter(|c| c.class == CustomerClass::Important)
                .count();
            let works = people.iter().filter(|c| c.dedicated_line).count();
            if let Some(&(zh, _, has_engine)) = names::IMPORTANT.get(institutions) {
                let own_generation = if has_engine {
                    OwnGeneration::Diesel
                } else {
                    OwnGeneration::DualSupply
                };
                return Person {
                    class: CustomerClass::Important,
                    own_generation,
                    ..self.household(zh)
                };
            }
            if let Some(&(zh, _)) = names::DEDICATED.get(works) {
                return Person {
                    dedicated_line: true,
                    ..self.household(zh)
                };
            }
        }
        self.anybody()
    }

    fn household(&self, name: &str) -> Person {
        Person {
            name: name.to_owned(),
            language: Language::ZhCn,
            class: CustomerClass::Ordinary,
            life_support: false,
            dedicated_line: false,
            own_generation: OwnGeneration::None,
        }
    }

    fn anybody(&mut self) -> Person {
        let english = self.random.percent(8.0) && self.english() < ENGLISH_MAX;
        let name = if english {
            format!(
                "{} {}",
                self.random.pick(names::FIRST),
                self.random.pick(names::LAST)
            )
        } else {
            format!(
                "{}{}",
                self.random.pick(names::FAMILIES),
                self.random.pick(names::GIVEN)
            )
        };
        let own_generation = match self.random.below(200) {
            0..6 => OwnGeneration::Pv,
            6 => OwnGeneration::Storage,
            _ => OwnGeneration::None,
        };
        Person {
            language: if english { Language::En } else { Language::ZhCn },
            life_support: self.random.percent(0.4),
            own_generation,
            ..self.household(&name)
        }
    }

    fn english(&self) -> usize {
        self.pack
            .customers
            .iter()
            .filter(|customer| customer.language == Language::En)
            .count()
    }

    fn add_rows(&mut self, site: &Site, nth: usize, person: Person) {
        let number = self.households;
        let account = format!("33{number:08}");
        self.add_contacts(&account, person.language);
        let (address_zh, address_en) = self.address(site, nth);
        let position = self.doorstep(site.at);
        let area_class = match site.hill {
            Some(_) => AreaClass::Remote,
            None => self.plan.area_class(site.column),
        };
        self.pack.service_points.push(ServicePoint {
            id: format!("SP-{number:05}"),
            bus: site.low_voltage[nth % site.low_voltage.len()].clone(),
            phases: phases(nth, &person),
            account: account.clone(),
            meter_no: format!("M{number:08}"),
            position,
            area_class,
            zone: ZONE.to_owned(),
            org_path: org_path(site, area_class).to_owned(),
            address_zh,
            address_en,
            own_generation: person.own_generation,
            voltage_v: Some(voltage_v(&person)),
            in_service: true,
        });
        self.pack.customers.push(Customer {
            account,
            name: person.name,
            language: person.language,
            class: person.class,
            life_support: person.life_support,
            dedicated_line: person.dedicated_line,
            use_class: None,
            life_support_until: None,
        });
    }

    /// A phone for nearly everybody, mail for some; a few have neither.
    fn add_contacts(&mut self, account: &str, language: Language) {
        let number = self.households;
        let phone = match language {
            Language::En => fictional_us_number(self.english()),
            Language::ZhCn => format!("+861990000{:04}", number % 10_000),
        };
        let mail = format!("customer{number:05}@example.org");
        let (has_phone, has_mail) = (self.random.percent(97.0), self.random.percent(40.0));
        let ways = [(has_phone, Channel::Sms, phone), (has_mail, Channel::Email, mail)];
        for (_, channel, value) in ways.into_iter().filter(|way| way.0) {
            self.pack.contacts.push(Contact {
                account: account.to_owned(),
                channel,
                value,
                language,
                role: ContactRole::Customer,
                confirmed_on: None,
            });
        }
    }

    /// Flats in town, houses in the hills; no address comes twice.
    fn address(&self, site: &Site, nth: usize) -> (String, String) {
        let district = if site.column < COLUMNS / 2 {
            ("西城区", "West")
        } else {
            ("东城区", "East")
        };
        if let Some((hill, turn)) = site.hill {
            let ((zh, en), house) = (hill.name(), turn * 30 + nth + 1);
            return (
                format!("示例市{}{zh}{house}号", district.0),
                format!("{house} {en}, {} District, Demo City", district.1),
            );
        }
        // Half of the houses look onto the avenue, half onto the road; four flats each.
        let (floor, house) = (nth / 2 % 4 + 1, nth / 8 + site.side * 6);
        let ((zh, en), number) = if nth.is_multiple_of(2) {
            (
                self.plan.column_name(site.column),
                (site.row * 12 + house) * 2 + 1,
            )
        } else {
            (self.plan.row_name(site.row), (site.column * 12 + house) * 2 + 2)
        };
        (
            format!("示例市{}{zh}{number}号{floor}01室", district.0),
            format!(
                "Flat {floor}01, {number} {en}, {} District, Demo City",
                district.1
            ),
        )
    }

    /// Within about 80 m of the transformer, to 6 decimals.
    fn doorstep(&mut self, near: Position) -> Position {
        let mut off = |degrees: f64| (degrees + self.random.between(-0.0008, 0.0008)) * 1e6;
        Position {
            lon: off(near.lon).round() / 1e6,
            lat: off(near.lat).round() / 1e6,
        }
    }
}

/// The `nth` of the numbers kept for fiction: 555-0100 to 555-0199 in ten areas.
fn fictional_us_number(nth: usize) -> String {
    const AREAS: [u32; 10] = [201, 202, 203, 205, 206, 207, 208, 209, 212, 213];
    format!("+1{}55501{:02}", AREAS[nth / 100 % AREAS.len()], nth % 100)
}

/// Households take one phase in turn; institutions and works take all three.
/// Institutions and works take 10 kV, everybody else one phase of 220 V.
fn voltage_v(person: &Person) -> u32 {
    let high = person.class == CustomerClass::Important || person.dedicated_line;
    if high { 10_000 } else { 220 }
}

fn phases(nth: usize, person: &Person) -> Phases {
    let three = person.class == CustomerClass::Important || person.dedicated_line;
    let list = [1, 2, 3];
    let list = if three {
        &list[..]
    } else {
        &list[nth / 2 % 3..nth / 2 % 3 + 1]
    };
    Phases::new(list).expect("1, 2, 3 are phases")
}

fn org_path(site: &Site, area_class: AreaClass) -> &'static str {
    match (area_class, site.feeder <= 3) {
        (AreaClass::Urban, true) => "demo/city/west",
        (AreaClass::Urban, false) => "demo/city/east",
        (AreaClass::Rural | AreaClass::Remote, true) => "demo/county/north",
        (AreaClass::Rural | AreaClass::Remote, false) => "demo/county/south",
    }
}
