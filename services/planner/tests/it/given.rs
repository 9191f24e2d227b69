//! A planner of its own per test, with a clock that stands still until it is moved. Who is affected is made up here; how
//! the network answers that is the registry's business.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Begun, Claims, Clock, Grant, Role, Work, command::Meta, ids::derived_from_name, timer};
use relight_planner::{
    MIGRATIONS, NAME,
    desk::{
        act::{self, Act, Command},
        alarm::Timers,
        draft::{self, Draft},
        form::{self, Asked, Considered, Whom},
    },
    domain::{
        call::{Call, Outcome, SealedNumber},
        event::Event,
        form::{STRICTEST, Step, Template, Verdict},
        ids::OutageId,
        window::Window,
    },
    error::Error,
    peers::Found,
    store::{
        outage::{Place, Stored, Words},
        people::Affected,
        told::Evidence,
    },
};
use relight_policy::Pack;
use relight_proto::planner::v1::{GetRequest, Outage};
use relight_testkit::TestDb;
use uuid::Uuid;

pub const CITY: &str = "demo/city";

pub struct House {
    pub db: TestDb,
    pub clock: Clock,
    pub pack: Pack,
}

/// 09:00 on 1 March in Shanghai.
pub fn t0() -> DateTime<Utc> {
    "2026-03-01T01:00:00Z".parse().expect("an instant")
}

pub fn h(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

pub fn min(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// Customer 1 is important, 2 has a generator, 3 and 4 are neither.
pub fn customer(n: u8) -> Uuid {
    derived_from_name(&format!("customer {n}"))
}

pub fn outage() -> OutageId {
    OutageId::from_uuid(derived_from_name("the outage"))
}

pub fn planner() -> Claims {
    with("pat", Role::Planner)
}

pub fn manager() -> Claims {
    with("mo", Role::Manager)
}

pub fn dispatcher() -> Claims {
    with("dee", Role::Dispatcher)
}

pub fn with(actor: &str, role: Role) -> Claims {
    let grant = Grant {
        role,
        org_path: CITY.to_owned(),
    };
    Claims::of(actor, vec![grant])
}

/// A window that begins eight days from `t0` and lasts six hours.
pub fn window() -> Window {
    let off_at = t0() + TimeDelta::days(8);
    Window {
        off_at,
        on_at: off_at + h(6),
    }
}

pub async fn house() -> anyhow::Result<House> {
    house_under("CN-SGCC").await
}

/// A house where this policy pack is the law.
pub async fn house_under(pack: &str) -> anyhow::Result<House> {
    Ok(House {
        db: relight_testkit::database(NAME, &MIGRATIONS).await?,
        clock: Clock::held(t0()),
        pack: Pack::load(pack)?,
    })
}

/// Another plan is handed in with everything considered.
pub async fn handed_in(house: &House, id: OutageId) -> anyhow::Result<()> {
    sqlx::query(
        "insert into planner.alternative (outage_id, kind, used, reason, considered_by, considered_at)
         select id, unnest(must_consider), false, 'does not do', 'pat', $2 from planner.outage where id = $1",
    )
    .bind(id.uuid())
    .bind(house.now())
    .execute(house.db.pool())
    .await?;
    sqlx::query("update planner.outage set state = 'submitted' where id = $1")
        .bind(id.uuid())
        .execute(house.db.pool())
        .await?;
    Ok(())
}

fn affected(n: u8) -> Affected {
    Affected {
        customer: customer(n),
        important: n == 1,
        life_support: false,
        dedicated_line: false,
        own_generation: n == 2,
        voltage_v: None,
        several_supplies: false,
    }
}

pub fn a_draft(id: OutageId, window: Window) -> Draft {
    let text = str::to_owned;
    Draft {
        id,
        window,
        words: Words {
            area_zh: text("湖滨路"),
            area_en: text("Lake Road"),
            line: text("10 kV F12"),
            reason_zh: text("更换开关"),
            reason_en: text("new switch"),
        },
        template: Template::find(STRICTEST).expect("a template"),
        place: Place {
            device_ids: vec![text("SW-12")],
            set: derived_from_name("the set"),
            grid_version: text("v1"),
            count: 4,
            org_path: format!("{CITY}/station1"),
            zone: text("Asia/Shanghai"),
            zones: vec![text("Asia/Shanghai")],
            feeders: vec![text("CB-12")],
            position: Some((120.15, 30.28)),
            area_made: text("湖滨路"),
        },
        affected: (1..=4).map(affected).collect(),
        request: None,
    }
}

/// As the network answers now.
pub fn found(place: Place, affected: Vec<Affected>) -> Found {
    Found {
        place,
        affected,
        area_zh: "湖滨路、北山路".to_owned(),
        area_en: "Lake Road, North Hill Road".to_owned(),
    }
}

/// A call to a number the registry sealed.
pub fn a_call(outcome: Outcome) -> Call {
    Call {
        id: Uuid::now_v7(),
        contact: derived_from_name("a number"),
        number: SealedNumber {
            bytes: vec![7; 60],
            key: "k1".to_owned(),
        },
        outcome,
    }
}

pub fn command(act: Act) -> Command {
    Command {
        outage: outage(),
        expected_version: 0,
        act,
        reason: "for a reason".to_owned(),
        words: None,
        above: None,
        section: None,
        call: None,
    }
}

/// A leader of that name, and of that team where one is said, clears.
pub fn clears(name: &str, team: &str) -> Act {
    Act::Clear {
        name: name.to_owned(),
        team: team.to_owned(),
        heard_by: String::new(),
    }
}

impl House {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock to `at` and fires what is due by then, each timer at its own moment.
    pub async fn until(&self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let timers = Timers::new(self.pack.clone());
        while self.now() < at {
            let next: Option<DateTime<Utc>> =
                sqlx::query_scalar("select min(due_at) from timer where due_at <= $1")
                    .bind(at)
                    .fetch_one(self.db.pool())
                    .await?;
            let to = next.unwrap_or(at).max(self.now());
            self.clock.advance(to - self.now());
            timer::fire_due(&self.db, self.now(), &timers).await?;
        }
        Ok(())
    }

    async fn work(&self, claims: &Claims) -> anyhow::Result<Work> {
        let meta = Meta::new(
            &Uuid::now_v7().to_string(),
            claims,
            &GetRequest::default(),
            self.now(),
        )?;
        match Work::begin::<Outage>(&self.db, meta).await? {
            Begun::New(work) => Ok(work),
            Begun::Before(_) => anyhow::bail!("a new id came before"),
        }
    }

    pub async fn drafted(&self, id: OutageId, window: Window) -> anyhow::Result<Stored> {
        let mut work = self.work(&planner()).await?;
        let one = draft::draft(&mut work, &self.pack, a_draft(id, window)).await?;
        work.commit(Outage::default()).await?;
        Ok(one)
    }

    pub async fn run(&self, claims: &Claims, command: Command) -> anyhow::Result<Result<Stored, Error>> {
        let mut work = self.work(claims).await?;
        let done = act::apply(&mut work, &self.pack, claims, command).await;
        if done.is_ok() {
            work.commit(Outage::default()).await?;
        }
        Ok(done)
    }

    /// Does it, which must work.
    pub async fn act(&self, claims: &Claims, act: Act) -> anyhow::Result<Stored> {
        Ok(self.run(claims, command(act)).await??)
    }

    pub async fn event(&self, claims: &Claims, event: Event) -> anyhow::Result<Stored> {
        self.act(claims, Act::Event(event)).await
    }

    /// Does it, which must be refused; gives the words.
    pub async fn refused(&self, claims: &Claims, act: Act) -> anyhow::Result<String> {
        match self.run(claims, command(act)).await? {
            Ok(one) => anyhow::bail!("it was let through to {:?}", one.life.state),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// Writes why these alternatives do not do.
    pub async fn considers(&self, claims: &Claims, kinds: &[&str]) -> anyhow::Result<Result<Stored, Error>> {
        let why = |kind: &&str| {
            (
                String::from(*kind),
                false,
                "too near the other circuit".to_owned(),
            )
        };
        let asked = Considered {
            outage: outage(),
            expected_version: 0,
            template: None,
            alternatives: kinds.iter().map(why).collect(),
        };
        let mut work = self.work(claims).await?;
        let done = form::consider(&mut work, claims, asked).await;
        if done.is_ok() {
            work.commit(Outage::default()).await?;
        }
        Ok(done)
    }

    /// Takes another template, and writes why these alternatives do not do.
    pub async fn takes(&self, template: &str, kinds: &[&str]) -> anyhow::Result<Result<Stored, Error>> {
        let why = |kind: &&str| (String::from(*kind), false, "does not do".to_owned());
        let asked = Considered {
            outage: outage(),
            expected_version: 0,
            template: Template::find(template),
            alternatives: kinds.iter().map(why).collect(),
        };
        let mut work = self.work(&planner()).await?;
        let done = form::consider(&mut work, &planner(), asked).await;
        if done.is_ok() {
            work.commit(Outage::default()).await?;
        }
        Ok(done)
    }

    /// A step of countersigning; no department named: all of the template.
    pub async fn countersigns(
        &self,
        claims: &Claims,
        step: Step,
        departments: &[&str],
    ) -> anyhow::Result<Result<Stored, Error>> {
        let named = departments.iter().map(|one| String::from(*one)).collect();
        let asked = Asked {
            outage: outage(),
            expected_version: 0,
            step,
            whom: if departments.is_empty() {
                Whom::All
            } else {
                Whom::Named(named)
            },
        };
        let mut work = self.work(claims).await?;
        let done = form::countersigned(&mut work, &self.pack, claims, asked).await;
        if done.is_ok() {
            work.commit(Outage::default()).await?;
        }
        Ok(done)
    }

    /// Everything considered and handed in.
    pub async fn submitted(&self) -> anyhow::Result<Stored> {
        self.considers(&planner(), &["live_work", "transfer", "generator_truck"])
            .await??;
        self.event(&planner(), Event::Submit).await
    }

    /// Sent to every department, and signed by each.
    pub async fn signed(&self) -> anyhow::Result<()> {
        self.countersigns(&planner(), Step::Send, &[]).await??;
        let agreed = Step::Sign {
            verdict: Verdict::Agreed,
            reason: String::new(),
        };
        for (who, department) in [
            (dispatcher(), "dispatch"),
            (manager(), "equipment"),
            (with("ann", Role::Agent), "marketing"),
        ] {
            self.countersigns(&who, agreed.clone(), &[department]).await??;
        }
        Ok(())
    }

    /// From the draft to the approval.
    pub async fn approved(&self) -> anyhow::Result<Stored> {
        self.drafted(outage(), window()).await?;
        self.approved_from_draft().await
    }

    /// What was drafted is handed in, signed, compared and decided for.
    pub async fn approved_from_draft(&self) -> anyhow::Result<Stored> {
        let justification = String::from("the only day the crane is free");
        self.submitted().await?;
        self.signed().await?;
        let balance = Event::Balance {
            justification: justification.clone(),
        };
        self.event(&planner(), balance).await?;
        self.event(&manager(), Event::Approve { justification }).await
    }

    /// Announced at once, everybody told half an hour later by text.
    pub async fn noticed(&self) -> anyhow::Result<Stored> {
        self.approved().await?;
        self.event(&planner(), Event::Announce).await?;
        self.clock.advance(min(30));
        self.served(1, "notice", &[1, 2, 3, 4]).await?;
        self.stored().await
    }

    pub async fn stored(&self) -> anyhow::Result<Stored> {
        let everywhere = ["%".to_owned()];
        Ok(
            relight_planner::store::outage::find(self.db.pool(), Some(outage().uuid()), "", &everywhere)
                .await?,
        )
    }

    /// Something the service does by itself, which must work.
    pub async fn by_itself<T>(
        &self,
        act: impl AsyncFnOnce(&mut Work) -> Result<T, Error>,
    ) -> anyhow::Result<T> {
        Ok(self.try_itself(act).await??)
    }

    /// Something the service does by itself; committed when it works.
    pub async fn try_itself<T>(
        &self,
        act: impl AsyncFnOnce(&mut Work) -> Result<T, Error>,
    ) -> anyhow::Result<Result<T, Error>> {
        let mut work = Work::internal(&self.db, Uuid::now_v7().to_string(), self.now()).await?;
        let done = act(&mut work).await;
        if done.is_ok() {
            work.done().await?;
        }
        Ok(done)
    }

    /// An important customer answers.
    pub async fn answered(&self, n: u8) -> anyhow::Result<Stored> {
        let text = "understood, thank you".to_owned();
        let customer = customer(n);
        self.act(&planner(), Act::Acknowledge { customer, text }).await
    }

    /// The generator of customer 2 is ticked: as isolated, or as called before supply returns.
    pub async fn tick(&self, told: bool) -> anyhow::Result<Stored> {
        let customer = customer(2);
        self.act(&dispatcher(), Act::Isolate { customer, told }).await
    }

    /// Off at the announced time under a fresh permit.
    pub async fn off(&self) -> anyhow::Result<Stored> {
        let permit = Event::Permit {
            id: relight_planner::domain::ids::PermitId::new(),
            number: "D-2026-77".to_owned(),
            read_back: true,
            at: None,
        };
        let permitted = self.event(&dispatcher(), permit).await?;
        let permit = permitted.life.permit.expect("just recorded").id;
        self.until(window().off_at).await?;
        self.event(&dispatcher(), Event::SwitchOff { permit, at: None })
            .await
    }

    /// From the draft to supply being off, with the generator isolated.
    pub async fn switched_off(&self) -> anyhow::Result<Stored> {
        self.noticed().await?;
        self.answered(1).await?;
        self.until(window().off_at - h(4)).await?;
        self.tick(false).await?;
        self.until(window().off_at - min(1)).await?;
        self.off().await
    }

    /// A call to customer `n` about the notice, and what became of it.
    pub fn call(&self, n: u8, outcome: Outcome) -> Command {
        let proof = Evidence {
            id: Uuid::now_v7(),
            customer: customer(n),
            channel: "call".to_owned(),
            at: self.now(),
            by: String::new(),
            note: "spoke with them".to_owned(),
            photo: None,
            call: None,
        };
        Command {
            call: Some(a_call(outcome)),
            ..command(Act::Evidence(vec![proof]))
        }
    }

    pub fn visit(&self, n: u8, photo: Option<Vec<u8>>) -> Act {
        Act::Evidence(vec![Evidence {
            id: Uuid::now_v7(),
            customer: customer(n),
            channel: "visit".to_owned(),
            at: self.now(),
            by: String::new(),
            note: "handed over at the door".to_owned(),
            photo,
            call: None,
        }])
    }
}
