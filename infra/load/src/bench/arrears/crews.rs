//! Crews on their way to a cut, with orders of dispatch, and the moment each of those orders was withdrawn.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use relight_arrears::domain::State;
use relight_common::{claims::Role, wire::timestamp, work::partition_of};
use relight_proto::{
    dispatch::v1::{
        ApplyRequest, Crew, Member, OrderEvent, PutCrewRequest, PutUnitRequest, Qualification, Unit,
        dispatch_client::DispatchClient, order_event,
    },
    events::v1::ArrearsChanged,
};
use sqlx::{FromRow, PgConnection};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::super::served::{Served, signed};

const ORG: &str = "bench/city";
const SKILL: &str = "meter_work";
/// Calls to dispatch at one time.
const CALLS: usize = 16;
/// Longest wait until dispatch has an order for every case.
const OPENED_WITHIN: Duration = Duration::from_secs(300);

/// A warned case.
#[derive(Debug, FromRow)]
struct Warned {
    id: Uuid,
    number: String,
    customer_id: Uuid,
    service_point_id: Uuid,
    version: i64,
}

/// Each of these accounts' cases has a crew on its way: arrears tells of the last warning, dispatch opens the order, and it
/// goes to a unit, to a crew, and off.
pub(super) async fn send(
    served: &Served,
    conn: &mut PgConnection,
    accounts: &[String],
    state: &State,
) -> anyhow::Result<()> {
    let cases: Vec<Warned> = sqlx::query_as(
        "select id, number, customer_id, service_point_id, version from arrears.debt_case where account = any($1)",
    )
    .bind(accounts)
    .fetch_all(&mut *conn)
    .await?;
    anyhow::ensure!(
        cases.len() == accounts.len(),
        "{} cases of {} accounts",
        cases.len(),
        accounts.len()
    );
    tell(conn, &cases, state).await?;
    let orders = opened(conn, &cases).await?;
    let unit = unit(served).await?;
    let mut sent = JoinSet::new();
    for (n, order) in orders.into_iter().enumerate() {
        let errand = Errand {
            unit: unit.clone(),
            crew: crew(n, &unit),
            order: order.to_string(),
        };
        let client = DispatchClient::new(served.peers.to("dispatch"));
        let tokens = (served.token(Role::Admin)?, served.token(Role::Dispatcher)?);
        sent.spawn(errand.run(client, tokens));
        if sent.len() >= CALLS
            && let Some(one) = sent.join_next().await
        {
            one??;
        }
    }
    while let Some(one) = sent.join_next().await {
        one??;
    }
    Ok(())
}

/// As the step that gave the last warning would have told it.
async fn tell(conn: &mut PgConnection, cases: &[Warned], state: &State) -> anyhow::Result<()> {
    let stop_at = state.notice().map(|notice| timestamp(notice.stop_at));
    for case in cases {
        let told = ArrearsChanged {
            case_id: case.id.to_string(),
            customer_id: case.customer_id.to_string(),
            service_point_id: case.service_point_id.to_string(),
            state: state.word().to_owned(),
            zone: "Asia/Shanghai".to_owned(),
            number: case.number.clone(),
            stop_at,
            ..ArrearsChanged::default()
        };
        sqlx::query(
            "insert into arrears.outbox (id, partition_no, subject, version, type, org_path, occurred_at, traceparent, cause, data)
             values ($1, $2, $3, $4, 'arrears.changed', $5, now(), '', 'bench', $6)",
        )
        .bind(Uuid::now_v7())
        .bind(partition_of(case.id))
        .bind(case.id)
        .bind(case.version)
        .bind(ORG)
        .bind(told.encode_to_vec())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The orders dispatch opened for them.
async fn opened(conn: &mut PgConnection, cases: &[Warned]) -> anyhow::Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = cases.iter().map(|case| case.id).collect();
    let begun = Instant::now();
    loop {
        let orders: Vec<Uuid> = sqlx::query_scalar(
            "select id from dispatch.work_order where kind = 'disconnect' and subject_id = any($1) order by id",
        )
        .bind(&ids)
        .fetch_all(&mut *conn)
        .await?;
        if orders.len() == ids.len() {
            return Ok(orders);
        }
        anyhow::ensure!(
            begun.elapsed() < OPENED_WITHIN,
            "dispatch has {} orders of {} cases",
            orders.len(),
            ids.len()
        );
        sleep(Duration::from_millis(200)).await;
    }
}

async fn unit(served: &Served) -> anyhow::Result<String> {
    let unit_id = Uuid::now_v7().to_string();
    let unit = Unit {
        unit_id: unit_id.clone(),
        name: "bench".to_owned(),
        org_path: ORG.to_owned(),
        area_org_paths: vec![ORG.to_owned()],
    };
    let put = PutUnitRequest {
        command_id: Uuid::now_v7().to_string(),
        unit: Some(unit),
    };
    let mut client = DispatchClient::new(served.peers.to("dispatch"));
    client.put_unit(signed(put, &served.token(Role::Admin)?)).await?;
    Ok(unit_id)
}

/// Two people who may work on meters.
fn crew(n: usize, unit_id: &str) -> Crew {
    let at = |hours| Some(timestamp(Utc::now() + TimeDelta::hours(hours)));
    let member = |leader| Member {
        person_id: Uuid::now_v7().to_string(),
        name: format!("member {n:05}"),
        leader,
        qualifications: vec![Qualification {
            skill: SKILL.to_owned(),
            valid_until: at(24 * 90),
        }],
    };
    Crew {
        crew_id: Uuid::now_v7().to_string(),
        name: format!("meter crew {n:05}"),
        unit_id: unit_id.to_owned(),
        org_path: ORG.to_owned(),
        skills: vec![SKILL.to_owned()],
        members: vec![member(true), member(false)],
        shift_start_at: at(-1),
        shift_end_at: at(7),
        ..Crew::default()
    }
}

/// An order and who goes.
struct Errand {
    unit: String,
    crew: Crew,
    order: String,
}

type Token = tonic::metadata::MetadataValue<tonic::metadata::Ascii>;

impl Errand {
    /// From the dispatcher to the crew on the road, told by radio.
    async fn run(
        self,
        mut client: DispatchClient<relight_common::grpc::Outgoing>,
        (admin, dispatcher): (Token, Token),
    ) -> anyhow::Result<()> {
        let crew_id = self.crew.crew_id.clone();
        let put = PutCrewRequest {
            command_id: Uuid::now_v7().to_string(),
            crew: Some(self.crew),
        };
        client.put_crew(signed(put, &admin)).await?;
        let steps = [
            order_event::Event::Dispatch(order_event::Dispatch { unit_id: self.unit }),
            order_event::Event::UnitTake(order_event::UnitTake {}),
            order_event::Event::Assign(order_event::Assign { crew_id }),
            order_event::Event::Take(order_event::Take {}),
            order_event::Event::Leave(order_event::Leave { eta_at: None }),
        ];
        for step in steps {
            let ask = ApplyRequest {
                command_id: Uuid::now_v7().to_string(),
                order_id: self.order.clone(),
                on_behalf: !matches!(step, order_event::Event::Dispatch(_)),
                event: Some(OrderEvent { event: Some(step) }),
                device_time: None,
            };
            client.apply(signed(ask, &dispatcher)).await?;
        }
        Ok(())
    }
}

/// When each order of a paid account was withdrawn, by the commit times of Postgres: from then on the crew's phone is told.
pub(super) async fn withdrawn(
    conn: &mut PgConnection,
    accounts: &[String],
) -> anyhow::Result<Vec<(String, DateTime<Utc>)>> {
    let rows: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "select c.account, pg_xact_commit_timestamp(o.xmin)
         from dispatch.work_order o join arrears.debt_case c on c.id = o.subject_id
         where o.kind = 'disconnect' and o.state = 'withdrawn' and c.account = any($1)",
    )
    .bind(accounts)
    .fetch_all(conn)
    .await
    .context("the times at which orders were withdrawn")?;
    Ok(rows)
}
