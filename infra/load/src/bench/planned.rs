//! Planning an outage of a whole county: the affected set, what it collides with, everybody's notice queued; and how long
//! the gate takes to decide.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use relight_common::{
    Claims,
    claims::{Grant, Role},
    grpc::Outgoing,
    wire::timestamp,
};
use relight_proto::{
    common::v1::PageRequest,
    planner::v1::{
        ActRequest, Alternative, Announce, Approve, Compare, ConsiderRequest, CountersignRequest,
        DraftRequest, GetRequest, Negotiate, Outage, RecipientsRequest, SendPlan, SignPlan, Submit, Window,
        Words, act_request::Action, countersign_request::Step, get_request::By,
        plan_forms_client::PlanFormsClient, planner_client::PlannerClient,
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Options, Row, floor, served::Served};
use crate::{
    house::House,
    server::Given,
    statistics::{ms, percentile},
};

/// Customers of one town of a county, about.
const TOWN: u64 = 5_000;
/// Times the gate is asked.
const ASKED: usize = 500;
/// Longest wait for the notices.
const QUEUED_WITHIN: Duration = Duration::from_secs(120);

/// Plans one outage of every town's feeders and asks its gate.
pub(super) async fn measure(given: &Given, options: &Options) -> anyhow::Result<Vec<Row>> {
    let towns = usize::try_from(options.customers.div_ceil(TOWN)).expect("a few hundred at most");
    let mut house = House::build(given, "bench_planned").await?;
    let county = house.populate(towns).await?;
    let contacts: usize = county
        .reach
        .values()
        .map(|reach| usize::from(reach.phone.is_some()) + usize::from(reach.mail.is_some()))
        .sum();
    let served = Served::start(given, &mut house).await?;
    let mut conn = house.connect().await?;
    let desk = Desk {
        // As the gateway calls it.
        client: PlannerClient::new(served.peers.patient("planner")),
        forms: PlanFormsClient::new(served.peers.patient("planner")),
        served: &served,
    };
    let begun = Instant::now();
    let (outage, talks) = desk.planned(&devices(towns)).await?;
    let planned = begun.elapsed() - talks;
    queued(&mut conn, contacts).await?;
    let all = begun.elapsed() - talks;
    let decided = desk.gate(&outage).await?;
    let rows = floor::copy(&mut conn, "notify.message").await?;
    let key = ("planner.outage", outage.outage_id.parse()?);
    let reads = floor::reads(&mut conn, key, ASKED).await?;
    anyhow::ensure!(
        served.relight.stop().await?.success(),
        "relight did not stop in good order"
    );
    Ok(vec![
        Row::new(
            &format!(
                "an outage of {} customers: set, conflicts, {contacts} notices queued",
                outage.affected_count
            ),
            format!(
                "the same rows of messages copied by Postgres {:.1} s",
                rows.as_secs_f64()
            ),
            format!(
                "{:.1} s ({:.1} s until announced)",
                all.as_secs_f64(),
                planned.as_secs_f64()
            ),
            format!("{:.1}x", all.as_secs_f64() / rows.as_secs_f64()),
            "< 10 s",
        ),
        Row::new(
            "gate decision through gRPC, p50 / p99",
            format!(
                "one row by key {} / {}",
                ms(percentile(&reads, 50.0)),
                ms(percentile(&reads, 99.0))
            ),
            format!(
                "{} / {}",
                ms(percentile(&decided, 50.0)),
                ms(percentile(&decided, 99.0))
            ),
            format!(
                "{:.1}x at p99",
                percentile(&decided, 99.0).as_secs_f64() / percentile(&reads, 99.0).as_secs_f64()
            ),
            "< 5 ms",
        ),
    ])
}

/// The breakers at the head of every feeder of every town.
fn devices(towns: usize) -> Vec<String> {
    let heads = |town: usize| {
        (1..=6).map(move |feeder| {
            let station = if feeder <= 3 { 1 } else { 2 };
            format!("T{town}-S{station}-F{feeder}-CB")
        })
    };
    (0..towns).flat_map(heads).collect()
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Submit(_) => "submit",
        Action::Balance(_) => "balance",
        Action::Approve(_) => "approve",
        Action::Announce(_) => "announce",
        _ => "act",
    }
}

/// Everybody's notice is a row of notify.
async fn queued(conn: &mut PgConnection, contacts: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        // Counting the messages again and again would take a good part of the machine that is measured.
        let spread: bool =
            sqlx::query_scalar("select exists (select from notify.notice where state = 'spread')")
                .fetch_one(&mut *conn)
                .await?;
        let late = begun.elapsed() >= QUEUED_WITHIN;
        if spread || late {
            let rows: i64 = sqlx::query_scalar("select count(*) from notify.message")
                .fetch_one(&mut *conn)
                .await?;
            anyhow::ensure!(
                usize::try_from(rows)? >= contacts,
                "{rows} of {contacts} notices are queued"
            );
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The planner's desk.
struct Desk<'a> {
    client: PlannerClient<Outgoing>,
    forms: PlanFormsClient<Outgoing>,
    served: &'a Served,
}

impl Desk<'_> {
    fn request<T>(&self, message: T, person: u128, role: Role) -> tonic::Request<T> {
        let claims = Claims::of(
            Uuid::from_u128(person).to_string(),
            vec![Grant {
                role,
                org_path: String::new(),
            }],
        );
        self.served.peers.request(message, &claims)
    }

    /// From the draft to the announcement, and how much of the time the talks took.
    async fn planned(&self, devices: &[String]) -> anyhow::Result<(Outage, Duration)> {
        let id = Uuid::now_v7().to_string();
        let off_at = Utc::now() + TimeDelta::days(9);
        let said = |text: &str| text.to_owned();
        let draft = DraftRequest {
            command_id: Uuid::now_v7().to_string(),
            outage_id: id.clone(),
            device_ids: devices.to_vec(),
            window: Some(Window {
                off_at: Some(timestamp(off_at)),
                on_at: Some(timestamp(off_at + TimeDelta::hours(6))),
            }),
            words: Some(Words {
                line: said("every feeder"),
                reason_zh: said("检修"),
                reason_en: said("maintenance"),
                ..Words::default()
            }),
            ..DraftRequest::default()
        };
        let begun = Instant::now();
        self.client
            .clone()
            .draft(self.request(draft, 1, Role::Planner))
            .await?;
        println!("planned: draft {}", ms(begun.elapsed()));
        let justification = said("a measurement");
        let steps = [
            (Action::Submit(Submit {}), 1, Role::Planner),
            (
                Action::Balance(Compare {
                    justification: justification.clone(),
                }),
                1,
                Role::Planner,
            ),
            (Action::Approve(Approve { justification }), 2, Role::Manager),
            (Action::Announce(Announce { words: None }), 1, Role::Planner),
        ];
        let mut outage = Outage::default();
        let mut talks = self.considered(&id).await?;
        for (action, person, role) in steps {
            let (begun, word) = (Instant::now(), word(&action));
            outage = self.act(&id, action, person, role).await?;
            println!("planned: {word} {}", ms(begun.elapsed()));
            if word == "balance" {
                talks += self.signed(&id).await? + self.talks(&id).await?;
            }
        }
        Ok((outage, talks))
    }

    async fn act(&self, outage: &str, action: Action, person: u128, role: Role) -> anyhow::Result<Outage> {
        let ask = ActRequest {
            command_id: Uuid::now_v7().to_string(),
            outage_id: outage.to_owned(),
            expected_version: 0,
            photos_stored: Vec::new(),
            action: Some(action),
        };
        let answer = self.client.clone().act(self.request(ask, person, role)).await?;
        Ok(answer.into_inner())
    }

    /// Why it has to be switched off. Returns how long it took, as the talks do.
    async fn considered(&self, outage: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let kinds = ["live_work", "transfer", "generator_truck"];
        let ask = ConsiderRequest {
            command_id: Uuid::now_v7().to_string(),
            outage_id: outage.to_owned(),
            alternatives: kinds
                .map(|kind| Alternative {
                    kind: kind.to_owned(),
                    reason: "a measurement".to_owned(),
                    ..Alternative::default()
                })
                .to_vec(),
            ..ConsiderRequest::default()
        };
        let ask = self.request(ask, 1, Role::Planner);
        self.forms.clone().consider(ask).await?;
        Ok(begun.elapsed())
    }

    /// Every department agrees. Returns how long it took.
    async fn signed(&self, outage: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let send = Step::Send(SendPlan::default());
        self.countersign(outage, send, Role::Planner, 1).await?;
        for (department, role) in [
            ("dispatch", Role::Dispatcher),
            ("equipment", Role::Manager),
            ("marketing", Role::Agent),
        ] {
            let sign = Step::Sign(SignPlan {
                department: department.to_owned(),
                verdict: "agreed".to_owned(),
                reason: String::new(),
            });
            self.countersign(outage, sign, role, 2).await?;
        }
        Ok(begun.elapsed())
    }

    async fn countersign(&self, outage: &str, step: Step, role: Role, person: u128) -> anyhow::Result<()> {
        let ask = CountersignRequest {
            command_id: Uuid::now_v7().to_string(),
            outage_id: outage.to_owned(),
            step: Some(step),
            ..CountersignRequest::default()
        };
        self.forms
            .clone()
            .countersign(self.request(ask, person, role))
            .await?;
        Ok(())
    }

    /// Every dedicated-line customer agrees. Returns how long it took: in earnest that is days of talking.
    async fn talks(&self, outage: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut cursor = String::new();
        loop {
            let ask = RecipientsRequest {
                outage_id: outage.to_owned(),
                which: "dedicated".to_owned(),
                page: Some(PageRequest { size: 500, cursor }),
            };
            let ask = self.request(ask, 1, Role::Planner);
            let page = self.client.clone().recipients(ask).await?.into_inner();
            for one in page.recipients {
                let agreed = Action::Negotiate(Negotiate {
                    customer_id: one.customer_id,
                    step: "agreed".to_owned(),
                    note: "by telephone".to_owned(),
                    window: None,
                });
                self.act(outage, agreed, 1, Role::Planner).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_empty() {
                return Ok(begun.elapsed());
            }
        }
    }

    /// How long each decision took.
    async fn gate(&self, outage: &Outage) -> anyhow::Result<Vec<Duration>> {
        let mut took = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let ask = GetRequest {
                by: Some(By::OutageId(outage.outage_id.clone())),
            };
            let begun = Instant::now();
            self.client
                .clone()
                .explain(self.request(ask, 1, Role::Planner))
                .await?;
            took.push(begun.elapsed());
        }
        Ok(took)
    }
}
