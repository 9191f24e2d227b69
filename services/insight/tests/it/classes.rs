//! Reasons of every class, their overlaps, and the ledger as a book.

use chrono::TimeDelta;
use relight_common::{Claims, Role, wire::timestamp};
use relight_insight::domain::record::CustomerId;
use relight_proto::{
    events::v1::{ArrearsChanged, GridSwitched, OutageChanged, OutageStep, WorkOrderStep},
    insight::v1::{
        AffectedReply, AffectedRequest, HistoryRequest, PlannedTotalsRequest, PublicOutagesRequest,
        YearRequest, books_server::Books, insight_server::Insight,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::given::{Incident, ORG, World, asked, at, customer, notify, people, staff, world};

/// An arrears case of one customer.
pub(crate) struct Case {
    id: Uuid,
    customer: CustomerId,
    version: u64,
}

impl Case {
    pub(crate) fn of(customer: CustomerId) -> Self {
        Self {
            id: Uuid::now_v7(),
            customer,
            version: 0,
        }
    }
}

impl World {
    pub(crate) async fn case(
        &self,
        case: &mut Case,
        off: Option<i64>,
        on: Option<i64>,
    ) -> anyhow::Result<()> {
        case.version += 1;
        let told = ArrearsChanged {
            case_id: case.id.to_string(),
            customer_id: case.customer.to_string(),
            off_at: off.map(|minute| timestamp(at(minute))),
            on_at: on.map(|minute| timestamp(at(minute))),
            zone: "Asia/Shanghai".to_owned(),
            ..ArrearsChanged::default()
        };
        let event = self.event("arrears.changed", &told.case_id, case.version, &told);
        self.apply("arrears", vec![event]).await?;
        self.nothing_parked().await
    }

    pub(crate) async fn grid(&self, told: &GridSwitched) -> anyhow::Result<()> {
        let event = self.event("grid.switched", &Uuid::nil().to_string(), told.state_no, told);
        self.apply("registry", vec![event]).await?;
        self.nothing_parked().await
    }

    pub(crate) async fn planned(
        &self,
        id: Uuid,
        members: &[CustomerId],
        off: i64,
        on: i64,
    ) -> anyhow::Result<()> {
        let told = OutageChanged {
            outage_id: id.to_string(),
            state: "off".to_owned(),
            class: "PLANNED".to_owned(),
            affected_set_id: self.set(members),
            off_at: Some(timestamp(at(off))),
            on_at: Some(timestamp(at(on))),
            switched_off_at: Some(timestamp(at(off))),
            ..OutageChanged::default()
        };
        let event = self.event("outage.changed", &told.outage_id, 1, &told);
        self.apply("planner", vec![event]).await?;
        self.nothing_parked().await
    }

    pub(crate) async fn planned_back(&self, id: Uuid, on: i64) -> anyhow::Result<()> {
        self.planned_ends(id, on, "restored").await
    }

    pub(crate) async fn planned_ends(&self, id: Uuid, on: i64, step: &str) -> anyhow::Result<()> {
        let told = OutageStep {
            outage_id: id.to_string(),
            step: step.to_owned(),
            at: Some(timestamp(at(on))),
            all: true,
            ..OutageStep::default()
        };
        let event = self.event("outage.step", &told.outage_id, 2, &told);
        self.apply("planner", vec![event]).await?;
        self.nothing_parked().await
    }

    /// Closed records of a customer that last: class, begin, end.
    pub(crate) async fn book(&self, who: CustomerId) -> anyhow::Result<Vec<(String, i64, i64)>> {
        let rows: Vec<(String, chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>)> = sqlx::query_as(
            "select class, off_at, on_at from interruption where customer_id = $1 and on_at > off_at order by off_at",
        )
        .bind(who.uuid())
        .fetch_all(self.db.pool())
        .await?;
        let minute = |t: chrono::DateTime<chrono::Utc>| (t - at(0)).num_minutes();
        Ok(rows
            .into_iter()
            .map(|(class, off, on)| (class, minute(off), minute(on)))
            .collect())
    }

    async fn affected(
        &self,
        claims: &Claims,
        id: Uuid,
        after: &str,
        limit: u32,
    ) -> Result<AffectedReply, Status> {
        let ask = AffectedRequest {
            basis_id: id.to_string(),
            after: after.to_owned(),
            limit,
        };
        Ok(self.api.affected(asked(claims, ask)).await?.into_inner())
    }
}

pub(crate) fn switched(device: &str, closed: bool, minute: i64, n: u64) -> GridSwitched {
    GridSwitched {
        grid_version: Uuid::nil().to_string(),
        state_no: n,
        device_id: device.to_owned(),
        is_closed: closed,
        at: Some(timestamp(at(minute))),
        ..GridSwitched::default()
    }
}

pub(crate) fn row(class: &str, off: i64, on: i64) -> (String, i64, i64) {
    (class.to_owned(), off, on)
}

#[tokio::test]
async fn a_customer_cut_for_a_bill_is_off_for_that_until_reconnected() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(1)[0];
    let mut case = Case::of(who);
    world.case(&mut case, None, None).await?;
    assert!(world.off().await?.is_empty(), "a debt puts nobody off");
    world.case(&mut case, Some(10), None).await?;
    world.case(&mut case, Some(10), None).await?;
    let open = world.why(&notify(), &[who]).await?;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (
            open[0].class.as_str(),
            open[0].incident_id.as_str(),
            open[0].outage_id.as_str()
        ),
        ("ARREARS", "", "")
    );
    assert_eq!(open[0].basis_id, case.id.to_string());
    let listed = world
        .api
        .public_outages(asked(&Claims::anybody(), PublicOutagesRequest {}))
        .await?
        .into_inner();
    assert!(
        listed.outages.is_empty() && listed.customers_off == 0,
        "nobody else's business"
    );
    world.case(&mut case, Some(10), Some(70)).await?;
    world.case(&mut case, Some(10), Some(70)).await?;
    assert_eq!(world.book(who).await?, [row("ARREARS", 10, 70)]);
    let steps = world.told().await?;
    let told: Vec<_> = steps
        .iter()
        .map(|s| (s.kind.as_str(), s.class.as_str()))
        .collect();
    assert_eq!(told, [("opened", "ARREARS"), ("closed", "ARREARS")]);
    assert!(
        steps
            .iter()
            .all(|s| s.incident_id.is_empty() && s.outage_id.is_empty())
    );
    assert!(steps.iter().all(|s| s.basis_id == case.id.to_string()));
    Ok(())
}

/// domain.md 5.5 no. 26: the planned outage ends where it was announced to, the fault goes on from the same instant.
#[tokio::test]
async fn a_fault_during_planned_work_is_split_where_the_plan_ends() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let outage = Uuid::now_v7();
    world.planned(outage, &who, 0, 60).await?;
    let mut fault = Incident::reported(&[(who[0], 30)]);
    world.confirm(&mut fault, &who[..1]).await?;
    let open = world.why(&notify(), &who[..1]).await?;
    assert_eq!(
        (open[0].class.as_str(), open[0].also.as_slice()),
        ("PLANNED", &["FAULT".to_owned()][..])
    );
    world.planned_back(outage, 60).await?;
    assert_eq!(world.off_since().await?, [(who[0], 60)]);
    world.restore(&fault, 95, None).await?;
    assert_eq!(
        world.book(who[0]).await?,
        [row("PLANNED", 0, 60), row("FAULT", 60, 95)]
    );
    assert_eq!(world.book(who[1]).await?, [row("PLANNED", 0, 60)]);
    let steps = world.told().await?;
    let planned: Vec<_> = steps.iter().filter(|s| s.class == "PLANNED").collect();
    assert!(
        planned
            .iter()
            .all(|s| s.incident_id.is_empty() && s.outage_id == outage.to_string())
    );
    assert_eq!(planned.last().map(|s| s.customers), Some(1), "one is not back");
    let faults: Vec<_> = steps.iter().filter(|s| s.class == "FAULT").collect();
    assert!(
        faults
            .iter()
            .all(|s| s.outage_id.is_empty() && s.incident_id == fault.told.incident_id)
    );
    Ok(())
}

#[tokio::test]
async fn arrears_during_a_fault_and_a_fault_during_arrears_are_counted_once() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who[..1]).await?;
    let mut cut = Case::of(who[0]);
    world.case(&mut cut, Some(20), None).await?;
    assert_eq!(world.why(&notify(), &who[..1]).await?[0].also, ["ARREARS"]);
    world.restore(&fault, 50, None).await?;
    world.case(&mut cut, Some(20), Some(90)).await?;
    assert_eq!(
        world.book(who[0]).await?,
        [row("FAULT", 0, 50), row("ARREARS", 50, 90)]
    );

    let mut first = Case::of(who[1]);
    world.case(&mut first, Some(0), None).await?;
    let mut later = Incident::reported(&[]);
    later.told.accepted_at = Some(timestamp(at(30)));
    later.told.off_at = Some(timestamp(at(30)));
    world.confirm(&mut later, &who[1..]).await?;
    world.restore(&later, 60, None).await?;
    let open = world.why(&notify(), &who[1..]).await?;
    assert_eq!((open[0].class.as_str(), open[0].also.len()), ("ARREARS", 0));
    world.case(&mut first, Some(0), Some(80)).await?;
    assert_eq!(world.book(who[1]).await?, [row("ARREARS", 0, 80)]);
    Ok(())
}

#[tokio::test]
async fn a_switching_for_safety_is_its_own_reason_and_ends_when_supply_is_switched_back() -> anyhow::Result<()>
{
    let world = world().await?;
    let who = people(3);
    let switching = Uuid::now_v7();
    let mut off = switched("SW1", false, 5, 1);
    off.lost_set_id = world.set(&who);
    (off.basis_kind, off.basis_id) = ("safety".to_owned(), switching.to_string());
    world.grid(&off).await?;
    world.grid(&off).await?;
    assert_eq!(world.off().await?.len(), 3);
    assert_eq!(world.why(&notify(), &who[..1]).await?[0].class, "SAFETY");
    let mut part = switched("TIE", true, 25, 2);
    part.restored_set_id = world.set(&who[..2]);
    world.grid(&part).await?;
    assert_eq!(world.off_since().await?, [(who[2], 5)]);
    let mut rest = switched("SW1", true, 45, 3);
    rest.restored_set_id = world.set(&who[2..]);
    world.grid(&rest).await?;
    assert_eq!(world.book(who[0]).await?, [row("SAFETY", 5, 25)]);
    assert_eq!(world.book(who[2]).await?, [row("SAFETY", 5, 45)]);
    let page = world
        .affected(&staff(Role::Dispatcher, "demo"), switching, "", 2)
        .await?;
    assert_eq!(
        (page.class.as_str(), page.customers_restored, page.records.len()),
        ("SAFETY", 3, 2)
    );
    Ok(())
}

#[tokio::test]
async fn orders_of_other_kinds_are_none_of_the_ledgers_business() -> anyhow::Result<()> {
    let world = world().await?;
    let step = WorkOrderStep {
        order_id: Uuid::now_v7().to_string(),
        step: "restored".to_owned(),
        kind: "disconnect".to_owned(),
        subject_id: Uuid::now_v7().to_string(),
        at: Some(timestamp(at(3))),
        ..WorkOrderStep::default()
    };
    world.order(&step).await?;
    assert!(world.told().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_was_affected_comes_in_pages_to_those_of_the_area() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(7);
    let mut fault = Incident::reported(&[(who[0], 0)]);
    world.confirm(&mut fault, &who).await?;
    world.restore(&fault, 30, Some(&who[..3])).await?;
    let id = fault.id.uuid();
    let dispatcher = staff(Role::Dispatcher, ORG);
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = world.affected(&dispatcher, id, &after, 2).await?;
        assert_eq!((page.customers_off, page.customers_restored), (4, 3));
        seen.extend(page.records);
        after = page.next_after;
        if after.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().filter(|record| record.on_at.is_some()).count(), 3);
    assert_eq!(seen.iter().filter(|record| record.reporter).count(), 1);
    for (claims, code) in [
        (staff(Role::Dispatcher, "demo/west"), Code::NotFound),
        (staff(Role::Crew, ORG), Code::PermissionDenied),
        (customer(who[0]), Code::PermissionDenied),
    ] {
        let refused = world.affected(&claims, id, "", 2).await;
        assert_eq!(refused.err().map(|status| status.code()), Some(code));
    }
    let unknown = world.affected(&dispatcher, Uuid::now_v7(), "", 2).await;
    assert_eq!(unknown.err().map(|status| status.code()), Some(Code::NotFound));
    Ok(())
}

#[tokio::test]
async fn a_year_is_summed_by_customer_and_class_and_a_staged_restoration_counts_once() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    for n in 0..3 {
        let outage = Uuid::now_v7();
        world.planned(outage, &who[..1], n * 20, n * 20 + 10).await?;
        world.planned_back(outage, n * 20 + 10).await?;
    }
    let mut fault = Incident::reported(&[(who[0], 70)]);
    world.confirm(&mut fault, &who).await?;
    let year = async |claims: &Claims, ids: &[CustomerId]| {
        let ask = YearRequest {
            customer_ids: ids.iter().map(ToString::to_string).collect(),
            since: Some(timestamp(at(0))),
            until: Some(timestamp(at(0) + TimeDelta::days(365))),
        };
        let reply = world.api.year(asked(claims, ask)).await;
        reply.map(|reply| reply.into_inner().totals)
    };
    let own = year(&customer(who[0]), &who[..1]).await?;
    let told: Vec<_> = own
        .iter()
        .map(|total| (total.class.as_str(), total.count, total.seconds / 60))
        .collect();
    assert_eq!(
        told,
        [("FAULT", 1, 30), ("PLANNED", 3, 30)],
        "open ones count up to now"
    );
    assert_eq!(year(&staff(Role::Agent, "demo"), &who).await?.len(), 3);
    let other = year(&customer(who[1]), &who[..1]).await;
    assert_eq!(
        other.err().map(|status| status.code()),
        Some(Code::PermissionDenied)
    );
    let history = HistoryRequest {
        customer_id: who[0].to_string(),
        page: None,
    };
    let shown = world
        .api
        .history(asked(&customer(who[0]), history))
        .await?
        .into_inner();
    assert_eq!(shown.interruptions.len(), 4);
    Ok(())
}

/// The planner compares many customers with the limits of the year: questions of at most 5,000.
#[tokio::test]
async fn the_year_of_many_customers_is_compared_in_several_questions() -> anyhow::Result<()> {
    let world = world().await?;
    sqlx::query(
        "insert into interruption (id, customer_id, incident_id, origin_incident_id, class, off_at, on_at, reported,
             opened_step_id, closed_step_id, continued)
         select gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(to_hex(c), 12, '0'))::uuid, u.i, u.i,
             case when u.n = 3 then 'FAULT' else 'PLANNED' end, $1 + u.n * interval '10 days',
             $1 + u.n * interval '10 days' + interval '2 hours', false, u.i, u.i, false
         from (select n, gen_random_uuid() as i from generate_series(0, 3) n) u, generate_series(1, 12000) c",
    )
    .bind(at(0))
    .execute(world.db.pool())
    .await?;
    let ids: Vec<String> = (1..=12_000_u128)
        .map(|n| Uuid::from_u128(n).to_string())
        .collect();
    let mut above = 0;
    for chunk in ids.chunks(5_000) {
        let ask = PlannedTotalsRequest {
            customer_ids: chunk.to_vec(),
            since: Some(timestamp(at(0))),
            until: Some(timestamp(at(0) + TimeDelta::days(365))),
            plus_s: 3_600,
            more_than: 3,
            more_than_s: 86_400,
            ..PlannedTotalsRequest::default()
        };
        let reply = world
            .api
            .planned_totals(asked(&Claims::service("planner"), ask))
            .await?
            .into_inner();
        above += reply.above_count;
        assert_eq!(reply.above_hours, 0);
    }
    assert_eq!(above, 12_000, "three planned ones and this make four");
    Ok(())
}

/// A set keeps its service points; the interruption belongs to whoever had them when supply ended, also in a section that
/// comes back later.
#[tokio::test]
async fn a_planned_outage_is_asked_for_those_who_are_supplied_at_that_moment() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(3);
    let outage = Uuid::now_v7();
    world.planned(outage, &who, 0, 60).await?;
    let section: Uuid = world.set(&who[..1]).parse()?;
    let told = OutageStep {
        outage_id: outage.to_string(),
        step: "section_restored".to_owned(),
        at: Some(timestamp(at(30))),
        restored_set_id: section.to_string(),
        ..OutageStep::default()
    };
    let event = world.event("outage.step", &told.outage_id, 2, &told);
    world.apply("planner", vec![event]).await?;
    world.nothing_parked().await?;
    assert_eq!(
        world.asked_for(section),
        [at(0)],
        "not for the moment it came back"
    );
    assert_eq!(world.book(who[0]).await?, [("PLANNED".to_owned(), 0, 30)]);
    assert!(world.book(who[1]).await?.is_empty());
    Ok(())
}
