//! People, units and crews around the feeder, as an administrator sets them up.

use chrono::{TimeDelta, Utc};
use relight_tests::{Api, System, pack::ORG};
use serde_json::json;
use uuid::Uuid;

/// Who works here.
pub struct Staff {
    /// The repair unit.
    pub unit: Uuid,
    /// Its crews; the first is the nearest.
    pub crews: Vec<Uuid>,
    /// Control room.
    pub dispatcher: Api,
    /// A dispatcher of the whole utility.
    pub everywhere: Api,
    /// Hotline.
    pub agent: Api,
    /// Desk of the unit.
    pub desk: Api,
    /// The crews' phones.
    pub phones: Vec<Api>,
}

impl Staff {
    /// The same people, all of them within one trace; `trace_id` is 32 hexadecimal digits.
    pub fn traced(mut self, trace_id: &str) -> Self {
        let people = [
            &mut self.dispatcher,
            &mut self.everywhere,
            &mut self.agent,
            &mut self.desk,
        ];
        for person in people.into_iter().chain(&mut self.phones) {
            *person = person.traced(trace_id);
        }
        self
    }
}

/// Makes accounts, one unit and three crews.
///
/// # Errors
/// When the system refuses something.
pub async fn staff(system: &System) -> anyhow::Result<Staff> {
    let (unit, crews) = (
        Uuid::now_v7(),
        vec![Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()],
    );
    let at = ["--org-path", ORG];
    system.account("admin", "admin", &[]).await?;
    system.account("dispatcher", "dispatcher", &at).await?;
    system.account("everywhere", "dispatcher", &[]).await?;
    system.account("agent", "agent", &at).await?;
    system
        .account(
            "desk",
            "unit_desk",
            &[&at[..], &["--unit", &unit.to_string()]].concat(),
        )
        .await?;
    for (n, crew) in crews.iter().enumerate() {
        let crew = crew.to_string();
        system
            .account(
                &format!("crew-{n}"),
                "crew",
                &[&at[..], &["--crew", &crew]].concat(),
            )
            .await?;
    }
    let admin = system.sign_in("admin").await?;
    let unit_body = json!({ "name": "North unit", "org_path": ORG, "area_org_paths": [ORG] });
    admin.put(&format!("/api/v1/units/{unit}"), unit_body).await?;
    let mut phones = Vec::new();
    for (n, crew) in crews.iter().enumerate() {
        admin
            .put(&format!("/api/v1/crews/{crew}"), crew_body(n, unit))
            .await?;
        phones.push(system.phone(&format!("crew-{n}")).await?);
    }
    let (dispatcher, agent) = (
        system.sign_in("dispatcher").await?,
        system.sign_in("agent").await?,
    );
    let (desk, everywhere) = (system.sign_in("desk").await?, system.sign_in("everywhere").await?);
    Ok(Staff {
        unit,
        crews,
        dispatcher,
        everywhere,
        agent,
        desk,
        phones,
    })
}

fn crew_body(n: usize, unit: Uuid) -> serde_json::Value {
    let now = Utc::now();
    let good_until = now + TimeDelta::days(300);
    let member = |leader: bool| {
        json!({
            "person_id": Uuid::now_v7(), "name": format!("Member of crew {n}"), "leader": leader,
            "qualifications": [{ "skill": "fault_repair", "valid_until": good_until }],
        })
    };
    json!({
        "name": format!("Crew {n}"), "unit_id": unit, "org_path": ORG, "skills": ["fault_repair"],
        "members": [member(true), member(false)],
        "shift_start_at": now - TimeDelta::hours(1), "shift_end_at": now + TimeDelta::hours(8),
    })
}
