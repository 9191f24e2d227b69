//! Events that come together cost few statements, and what comes of them is what came of them one by one.

use anyhow::ensure;
use proptest::{
    collection::vec,
    test_runner::{Config, TestCaseError, TestRunner},
};
use relight_common::reader::apply_batch;
use relight_notify::consumer::Notices;
use relight_proto::{
    common::v1::Language::{En, ZhCn},
    events::v1::{Event, IncidentChanged},
};
use relight_testkit::TestDb;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    orders,
    world::{MORNING, NIGHT, World, at, house},
};

const PHONE: &str = "+8619900000001";
const OTHER: &str = "+8619900000002";

/// (what, about which incident, by which of its two orders or people, which version)
type Step = (u8, usize, usize, u64);

/// Everything that is not made by chance.
const ROWS: [&str; 4] = [
    "select coalesce(jsonb_agg(to_jsonb(m) - '{id,sealed}'::text[] order by purpose, subject, version, recipient, channel), '[]')
     from message m",
    "select coalesce(jsonb_agg(to_jsonb(i) order by id), '[]') from incident i",
    "select coalesce(jsonb_agg(to_jsonb(n) - 'ordered' order by id), '[]') from notice n",
    "select coalesce(jsonb_agg(to_jsonb(p) order by partition_no), '[]') from reader_position p",
];

/// An incident with two orders and two people; one of them has two channels, and a number that others have too.
struct Fault {
    incident: Uuid,
    orders: [Uuid; 2],
    reports: [Uuid; 2],
    people: [Uuid; 2],
    steps: [Uuid; 2],
}

impl Fault {
    fn of(world: &mut World) -> Self {
        world.incident = Uuid::now_v7();
        let people = [
            world.customer(&[(PHONE, ZhCn)], true),
            world.customer(&[(OTHER, En), ("reader@example.org", En)], false),
        ];
        world.customer(&[(PHONE, ZhCn)], false);
        world.stranger("+447700900123");
        for case in people {
            world
                .town
                .known()
                .texts
                .insert(case, orders::text(at(orders::OFF)));
        }
        Self {
            incident: world.incident,
            orders: [(); 2].map(|()| Uuid::now_v7()),
            reports: [(); 2].map(|()| Uuid::now_v7()),
            steps: [&people[..1], &people[..]].map(|back| world.step_of(back)),
            people,
        }
    }

    /// The event of a step. Two in ten of them belong to notices of outages and debts.
    fn event(&self, world: &mut World, (what, _, which, version): Step) -> Event {
        (world.incident, world.order) = (self.incident, self.orders[which]);
        let person = self.people[which];
        match what {
            0 | 1 => world.accepted(self.reports[which], Some(person)),
            2 => self.changed(world, version),
            3 => world.step("en_route", version),
            4 => world.step("arrived", version),
            5 => world.etr(Some("2026-11-23T03:00:00Z"), version),
            6 => world.etr(None, version),
            7 => world.closed(self.steps[which]),
            8 => world.ordered(&orders::outage(
                ["notice", "cancelled"][which],
                self.incident,
                self.incident,
            )),
            9 => world.debt(["reminder", "withdrawn"][which], person, person),
            _ => world.event(["crew.changed", "weather.forecast"][which], person, version, &()),
        }
    }

    fn changed(&self, world: &World, version: u64) -> Event {
        let data = IncidentChanged {
            incident_id: self.incident.to_string(),
            number: format!("I-{version}"),
            zone: "Asia/Shanghai".into(),
            ..IncidentChanged::default()
        };
        world.event("incident.changed", self.incident, version, &data)
    }
}

/// Two databases that hear of the same events: one of all at one time, one of each alone.
struct Pair {
    world: World,
    one_by_one: Notices,
    db: TestDb,
}

impl Pair {
    async fn start(now: &str) -> anyhow::Result<Self> {
        let world = World::start(now).await?;
        let db = relight_testkit::database("notify", &relight_notify::MIGRATIONS).await?;
        let one_by_one = Notices {
            db: db.clone(),
            clock: world.clock.clone(),
            people: world.people.clone(),
            sealer: world.sealer.clone(),
            book: world.book.clone(),
            house: house(),
            zone: world.notices.zone,
            bells: world.bells.clone(),
        };
        Ok(Self {
            world,
            one_by_one,
            db,
        })
    }

    async fn compare(&mut self, steps: &[Step]) -> anyhow::Result<()> {
        let faults = [(); 3].map(|()| Fault::of(&mut self.world));
        let known: Vec<Event> = faults.iter().map(|one| one.changed(&self.world, 1)).collect();
        self.apply(known).await?;
        let mut events = Vec::new();
        for step in steps {
            events.push(faults[step.1].event(&mut self.world, *step));
        }
        let before = self.transactions().await?;
        self.apply(events).await?;
        ensure!(
            self.transactions().await? <= before + 1,
            "they did not go together"
        );
        for rows in ROWS {
            let together: Value = sqlx::query_scalar(rows).fetch_one(self.world.db.pool()).await?;
            let one_by_one: Value = sqlx::query_scalar(rows).fetch_one(self.db.pool()).await?;
            ensure!(together == one_by_one, "{rows}\n{together:#}\n{one_by_one:#}");
        }
        Ok(())
    }

    async fn apply(&self, events: Vec<Event>) -> anyhow::Result<()> {
        for event in events.clone() {
            apply_batch(
                &self.db,
                "intake",
                0,
                vec![event],
                &self.one_by_one,
                &self.world.stop,
            )
            .await?;
        }
        self.world.apply(events).await
    }

    /// Transactions that messages were written in.
    async fn transactions(&self) -> anyhow::Result<i64> {
        let count = sqlx::query_scalar("select count(distinct xmin::text) from message");
        Ok(count.fetch_one(self.world.db.pool()).await?)
    }
}

/// Whatever comes in whatever order, also late and again: the same people are told the same.
#[test]
fn what_comes_together_comes_to_the_same_as_one_by_one() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    for now in [MORNING, NIGHT] {
        let pair = tokio::sync::Mutex::new(runtime.block_on(Pair::start(now))?);
        let mut runner = TestRunner::new(Config {
            cases: 12,
            failure_persistence: None,
            ..Config::default()
        });
        runner.run(
            &vec((0..11_u8, 0..3_usize, 0..2_usize, 1..6_u64), 1..50),
            |steps| {
                runtime
                    .block_on(async { pair.lock().await.compare(&steps).await })
                    .map_err(|error| TestCaseError::fail(format!("{error:#}")))
            },
        )?;
    }
    Ok(())
}

/// Counts statements on `table`, also those that change nothing. A sequence does not roll back.
async fn count_statements(db: &TestDb, table: &str) -> anyhow::Result<PgConnection> {
    let mut owner = PgConnection::connect_with(&db.owner()).await?;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create sequence notify.statements; grant usage on sequence notify.statements to public;
         create function notify.count_up() returns trigger language plpgsql as
             $$ begin perform nextval('notify.statements'); return null; end $$;
         create trigger count_up after insert or update on {table} for each statement execute function notify.count_up()"
    )))
    .execute(&mut owner)
    .await?;
    Ok(owner)
}

async fn statements(owner: &mut PgConnection) -> anyhow::Result<i64> {
    let count =
        sqlx::query_scalar("select case when is_called then last_value else 0 end from notify.statements");
    Ok(count.fetch_one(owner).await?)
}

/// A storm: 150 reports are answered by one statement; as many orders on their way to one incident each take two.
#[tokio::test]
async fn a_storm_of_events_costs_few_statements() -> anyhow::Result<()> {
    let mut world = World::start(MORNING).await?;
    let mut owner = count_statements(&world.db, "notify.message").await?;
    let mut reports = Vec::new();
    for number in 0..150 {
        let phone = format!("+86199{number:08}");
        let customer = world.customer(&[(&phone, ZhCn)], true);
        reports.push(world.accepted(Uuid::now_v7(), Some(customer)));
    }
    world.apply(reports).await?;
    assert_eq!(statements(&mut owner).await?, 1);
    assert_eq!(world.messages().await?.len(), 150);

    let faults = [(); 150].map(|()| (Uuid::now_v7(), Uuid::now_v7()));
    let mut events = [Vec::new(), Vec::new()];
    for one in faults {
        (world.incident, world.order) = one;
        world.customer(&[(PHONE, ZhCn)], false);
        events[0].push(world.incident_changed());
    }
    for one in faults {
        (world.incident, world.order) = one;
        events[1].push(world.step("en_route", 4));
    }
    for some in events {
        world.apply(some).await?;
    }
    assert_eq!(statements(&mut owner).await?, 3);
    assert_eq!(world.messages().await?.len(), 300);
    Ok(())
}

/// A report that cannot be read is parked alone; the others of its batch are answered, once.
#[tokio::test]
async fn one_event_that_cannot_be_read_is_parked_alone() -> anyhow::Result<()> {
    let world = World::start(MORNING).await?;
    let customer = world.customer(&[(PHONE, ZhCn)], true);
    let mut events: Vec<Event> = (0..5)
        .map(|_| world.accepted(Uuid::now_v7(), Some(customer)))
        .collect();
    events[2].data = b"rubbish".to_vec();
    apply_batch(&world.db, "intake", 0, events, &world.notices, &world.stop).await?;
    let parked: Vec<i64> = sqlx::query_scalar("select seq from dead_letter")
        .fetch_all(world.db.pool())
        .await?;
    assert_eq!((parked, world.messages().await?.len()), (vec![3], 4));
    Ok(())
}
