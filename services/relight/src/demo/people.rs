//! Who works in the town: two repair units with six crews each, and an account for every role.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Db, Grant, Role, Work, config::Settings, ids::derived_from_name};
use relight_dispatch::{
    desk::crews,
    domain::ids::{CrewId, UnitId},
    store::{
        crew::{Crew, Member},
        unit::Unit,
    },
};
use uuid::Uuid;

use super::logins::{self, Login};
use crate::account;

/// Org path of the town.
const TOWN: &str = "demo";
/// (id, name, org path, org paths it repairs in)
const UNITS: [(&str, &str, &str, [&str; 2]); 2] = [
    (
        "east",
        "城东抢修站 East unit",
        "demo/city/east",
        ["demo/city/east", "demo/county/south"],
    ),
    (
        "west",
        "城西抢修站 West unit",
        "demo/city/west",
        ["demo/city/west", "demo/county/north"],
    ),
];
const CREWS_PER_UNIT: usize = 6;
/// As long as the rules of dispatch let a crew be on duty, and as short as they let it rest.
const ON_DUTY: TimeDelta = TimeDelta::hours(12);
const REST: TimeDelta = TimeDelta::hours(8);
/// Skills of every crew.
const SKILLS: [&str; 4] = ["fault_repair", "switching", "planned_work", "meter_work"];
const LEADERS: [&str; 12] = [
    "王建国",
    "李卫东",
    "张志强",
    "刘洋",
    "陈静",
    "杨帆",
    "赵磊",
    "黄海",
    "周敏",
    "吴刚",
    "徐丽",
    "孙涛",
];

fn id_of(name: &str) -> Uuid {
    derived_from_name(&format!("demo:{name}"))
}

/// Makes units, crews and accounts, and keeps the log-ins. Accounts that exist keep their passwords.
///
/// # Errors
/// When the database refuses.
pub async fn settle(settings: &Settings, customer: Login) -> anyhow::Result<()> {
    let known = logins::all().unwrap_or_default();
    let mut made = Vec::new();
    for (role, login, who) in accounts() {
        let before = known.iter().find(|known| known.login == login);
        let password = before.map_or_else(logins::password, |known| known.password.clone());
        account::put(settings, &login, &who, &password).await?;
        made.push(Login {
            role: role.word().to_owned(),
            login,
            password,
        });
    }
    made.push(customer);
    logins::keep(&made)?;
    staff(settings).await
}

/// (role, log-in, account) of everybody.
fn accounts() -> Vec<(Role, String, account::Who)> {
    let mut all = vec![
        (
            Role::Admin,
            "admin".to_owned(),
            who(Role::Admin, "", "管理员 Administrator"),
        ),
        (
            Role::Dispatcher,
            "dispatcher".to_owned(),
            who(Role::Dispatcher, TOWN, "调度员 Dispatcher"),
        ),
        (
            Role::Agent,
            "agent".to_owned(),
            who(Role::Agent, TOWN, "坐席 Agent"),
        ),
        (
            Role::Planner,
            "planner".to_owned(),
            who(Role::Planner, TOWN, "停电计划员 Planner"),
        ),
        (
            Role::Manager,
            "manager".to_owned(),
            who(Role::Manager, TOWN, "值班经理 Manager"),
        ),
        // A state set by hand takes two people.
        (
            Role::ControlRoom,
            "control-room".to_owned(),
            who(Role::ControlRoom, TOWN, "调控员 Control room"),
        ),
        (
            Role::ControlRoom,
            "control-room-2".to_owned(),
            who(Role::ControlRoom, TOWN, "调控监护 Control room, second"),
        ),
    ];
    for (u, (unit, name, ..)) in UNITS.iter().enumerate() {
        let desk = account::Who {
            unit_id: Some(id_of(unit)),
            ..who(Role::UnitDesk, TOWN, name)
        };
        all.push((Role::UnitDesk, format!("desk-{unit}"), desk));
        for n in 0..CREWS_PER_UNIT {
            let number = u * CREWS_PER_UNIT + n;
            let crew = account::Who {
                crew_id: Some(crew_id(number)),
                ..who(Role::Crew, TOWN, LEADERS[number])
            };
            all.push((Role::Crew, format!("crew-{:02}", number + 1), crew));
        }
    }
    all
}

fn crew_id(number: usize) -> Uuid {
    id_of(&format!("crew-{:02}", number + 1))
}

fn who(role: Role, org_path: &str, name: &str) -> account::Who {
    account::Who {
        grant: Grant {
            role,
            org_path: org_path.to_owned(),
        },
        name: name.to_owned(),
        unit_id: None,
        crew_id: None,
    }
}

/// Puts units and crews, on shift from now on for as long as crews may be on duty.
async fn staff(settings: &Settings) -> anyhow::Result<()> {
    let db = Db::connect(&settings.database, "dispatch").await?;
    let now = Utc::now();
    let mut work = Work::internal(&db, "demo town", now).await?;
    for (u, (unit, name, path, areas)) in UNITS.iter().enumerate() {
        let unit_id = UnitId::from_uuid(id_of(unit));
        let areas = areas.map(str::to_owned).to_vec();
        let unit = Unit {
            id: unit_id,
            name: (*name).to_owned(),
            org_path: (*path).to_owned(),
            area_org_paths: areas,
        };
        crews::put_unit(&mut work, &unit).await?;
        for n in 0..CREWS_PER_UNIT {
            let crew = crew(u * CREWS_PER_UNIT + n, unit_id, path, now);
            // The town may have stopped in the middle of a shift a few hours ago. A shift that overlaps replaces it, so
            // this one lets everybody sleep before the next.
            let shift = Some((now - TimeDelta::hours(24), now - REST));
            crews::put_crew(
                &mut work,
                &Crew {
                    shift,
                    ..crew.clone()
                },
            )
            .await?;
            crews::put_crew(&mut work, &crew).await?;
        }
    }
    Ok(work.done().await?)
}

/// Its side of the town and its number: events and boards show it, so it names nobody.
fn name(number: usize) -> String {
    let side = if number < CREWS_PER_UNIT { "东" } else { "西" };
    format!("{side}{n:02}组 Crew {n:02}", n = number + 1)
}

fn crew(number: usize, unit: UnitId, path: &str, now: DateTime<Utc>) -> Crew {
    let good_until = now + TimeDelta::days(365);
    let member = |name: String, leader: bool| Member {
        person_id: id_of(&format!("{number}:{name}")).to_string(),
        name,
        leader,
        qualifications: SKILLS
            .iter()
            .map(|skill| ((*skill).to_owned(), good_until))
            .collect(),
    };
    let leader = LEADERS[number];
    Crew {
        id: CrewId::from_uuid(crew_id(number)),
        name: name(number),
        unit,
        org_path: path.to_owned(),
        skills: SKILLS.map(str::to_owned).to_vec(),
        members: vec![
            member(leader.to_owned(), true),
            member(format!("{leader} 副手"), false),
        ],
        shift: Some((now, now + ON_DUTY)),
        // Behind the numbers of the town's customers.
        phone: format!("+86199000990{:02}", number + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_crew_names_a_person() {
        for (number, leader) in LEADERS.iter().enumerate() {
            let crew = crew(
                number,
                UnitId::from_uuid(id_of("east")),
                TOWN,
                DateTime::UNIX_EPOCH,
            );
            for member in &crew.members {
                assert!(!crew.name.contains(&member.name), "{}", crew.name);
            }
            assert!(!crew.name.contains(leader), "{}", crew.name);
        }
        assert_eq!(
            (name(2), name(6)),
            ("东03组 Crew 03".to_owned(), "西07组 Crew 07".to_owned())
        );
    }
}
