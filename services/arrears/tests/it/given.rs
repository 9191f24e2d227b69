//! A room of its own per test: the rules of CN-SGCC, a clock that stands still until it is set, and the other services as
//! far as arrears asks them.

mod notified;

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use relight_arrears::{
    MIGRATIONS, NAME,
    desk::House as Rules,
    domain::{Law, Locks, Premises, class::Class, money::Terms},
    error::Error,
    outside::Outside,
    rpc::Api,
    store::account::Supply,
    timers::{Mender, Timers},
};
use relight_common::{
    Claims, Clock, Grant, Role, ids::derived_from_name, reconcile::Reconciler, secrets::Secrets, timer,
    wire::timestamp,
};
use relight_policy::Pack;
use relight_proto::{
    arrears::v1::{self as w, apply_request::Event, arrears_server::Arrears},
    common::v1::Point,
};
use relight_testkit::TestDb;
use tonic::{Request, Status};
use uuid::Uuid;

pub use notified::ordered;

pub const CITY: &str = "demo/city";
pub const DEBT: i64 = 50_000;
pub const METER: &str = "M-1001";
pub const NEIGHBOUR: &str = "M-1002";
/// The one number of the customer at registry.
pub const NUMBER: Uuid = Uuid::from_u128(17);

/// Local time of Shanghai in 2026: `local("08-17 10:00")`.
pub fn local(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').expect("day and time");
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-{day}T{time}{seconds}+08:00")
        .parse()
        .expect("a test's own instant")
}

/// Registry and the ledger, as far as they are asked.
pub struct StandIn {
    premises: Mutex<Premises>,
    locks: Mutex<Locks>,
    knows: Mutex<Knows>,
    /// An account that registry knows by now, beside those of 1001.
    joined: Mutex<Option<&'static str>>,
}

/// What registry says of every supply.
#[derive(Clone)]
pub struct Knows {
    pub class: Class,
    pub meter_no: String,
    pub point: &'static str,
}

fn supply_of(account: &str, knows: Knows) -> Supply {
    Supply {
        account: account.to_owned(),
        customer_id: derived_from_name(account),
        service_point_id: derived_from_name(&format!("{} {account}", knows.point)),
        org_path: CITY.to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        meter_no: knows.meter_no,
        class: knows.class,
        name: "王小明".to_owned(),
        address_zh: "文一路1号".to_owned(),
        address_en: "1 Wenyi Road".to_owned(),
    }
}

impl Outside for StandIn {
    async fn supply(&self, account: &str) -> Result<Result<Supply, String>, Error> {
        let joined = *self.joined.lock().expect("not poisoned");
        if !account.starts_with("1001") && joined != Some(account) {
            return Ok(Err("the account is not known".to_owned()));
        }
        let knows = self.knows.lock().expect("not poisoned").clone();
        Ok(Ok(supply_of(account, knows)))
    }

    async fn locks(&self, _org_path: &str, _at: DateTime<Utc>) -> Locks {
        self.locks.lock().expect("not poisoned").clone()
    }

    /// The neighbour's meter is known, no other.
    async fn meter(&self, meter_no: &str) -> Result<Option<Supply>, Error> {
        let theirs = Knows {
            class: Class::Ordinary,
            meter_no: NEIGHBOUR.to_owned(),
            point: "point",
        };
        Ok((meter_no == NEIGHBOUR).then(|| supply_of("1002", theirs)))
    }

    async fn is_number(&self, _customer: Uuid, contact: Uuid) -> Result<bool, Error> {
        Ok(contact == NUMBER)
    }

    async fn premises(&self, _customer: Uuid) -> Premises {
        *self.premises.lock().expect("not poisoned")
    }
}

pub struct Room {
    pub db: TestDb,
    pub api: Api<StandIn>,
    pub rules: Rules,
    clock: Clock,
    outside: Arc<StandIn>,
}

pub async fn room() -> anyhow::Result<Room> {
    let db = relight_testkit::database(NAME, &MIGRATIONS).await?;
    let clock = Clock::held(local("07-01 02:00"));
    let rules = Rules {
        law: Arc::new(Law::new(Pack::load("CN-SGCC")?)),
        terms: Terms {
            minimum_debt_cents: 1_000,
            manager_above_cents: 1_000_000,
            stop_share_percent: 80,
            stop_days: 7,
            notice_tolerance_percent: 10,
            balance_max_age_s: 300,
            release_ttl_s: 300,
            warn_before_min: 35,
            pay_hint_zh: "任一营业厅".to_owned(),
            pay_hint_en: "any of our halls".to_owned(),
        },
    };
    let outside = Arc::new(StandIn {
        premises: Mutex::new(Premises::Supplied),
        locks: Mutex::new(Locks::Free),
        knows: Mutex::new(Knows {
            class: Class::Ordinary,
            meter_no: METER.to_owned(),
            point: "point",
        }),
        joined: Mutex::new(None),
    });
    let secrets = Secrets::ephemeral();
    let api = Api::new(&db, &secrets, clock.clone(), rules.clone(), outside.clone());
    Ok(Room {
        db,
        api,
        rules,
        clock,
        outside,
    })
}

fn with(actor: &str, role: Role) -> Claims {
    let org_path = CITY.to_owned();
    Claims {
        name: format!("{actor}'s name"),
        ..Claims::of(actor, vec![Grant { role, org_path }])
    }
}

pub fn li() -> Claims {
    with("li", Role::Agent)
}

pub fn hu() -> Claims {
    with("hu", Role::Agent)
}

pub fn boss() -> Claims {
    with("boss", Role::Manager)
}

pub fn crew() -> Claims {
    with("wang", Role::Crew)
}

pub fn elsewhere() -> Claims {
    let org_path = "demo/county".to_owned();
    Claims::of(
        "chen",
        vec![Grant {
            role: Role::Agent,
            org_path,
        }],
    )
}

pub fn billing() -> Claims {
    with("billing", Role::Admin)
}

pub fn anybody() -> Claims {
    Claims::anybody()
}

pub fn asked<T>(message: T, claims: &Claims) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims.clone());
    request
}

fn command() -> String {
    Uuid::now_v7().to_string()
}

pub fn balance(external_id: &str, account: &str, cents: i64, as_of: &str) -> w::FeedLine {
    w::FeedLine {
        external_id: external_id.to_owned(),
        account: account.to_owned(),
        what: Some(w::feed_line::What::Balance(w::Balance {
            balance_cents: cents,
            as_of: Some(timestamp(local(as_of))),
            due_on: "2026-06-30".to_owned(),
            bills: vec![w::Bill {
                period: "2026-05".to_owned(),
                amount_cents: cents,
                late_fee_cents: 0,
                due_on: "2026-06-30".to_owned(),
            }],
        })),
    }
}

pub fn payment(external_id: &str, account: &str, cents: i64, paid_at: &str) -> w::FeedLine {
    w::FeedLine {
        external_id: external_id.to_owned(),
        account: account.to_owned(),
        what: Some(w::feed_line::What::Payment(w::Payment {
            amount_cents: cents,
            paid_at: Some(timestamp(local(paid_at))),
        })),
    }
}

impl Room {
    /// Moves the clock forward to `at`.
    pub fn later(&self, at: &str) {
        let by = local(at) - self.clock.now();
        self.clock.advance(by);
    }

    /// Moves the clock forward to `at` and lets everything happen that is due.
    pub async fn until(&self, at: &str) -> anyhow::Result<()> {
        self.later(at);
        self.fire().await?;
        Ok(())
    }

    pub async fn fire(&self) -> anyhow::Result<usize> {
        let timers = Timers {
            house: self.rules.clone(),
            outside: Arc::clone(&self.outside),
        };
        Ok(timer::fire_due(&self.db, self.clock.now(), &timers).await?)
    }

    pub async fn mend(&self) -> anyhow::Result<u64> {
        let mender = Mender {
            house: self.rules.clone(),
            outside: Arc::clone(&self.outside),
        };
        Ok(mender.pass(&self.db, self.clock.now()).await?)
    }

    pub fn premises(&self, now: Premises) {
        *self.outside.premises.lock().expect("not poisoned") = now;
    }

    pub fn locks(&self, now: Locks) {
        *self.outside.locks.lock().expect("not poisoned") = now;
    }

    /// Registry knows this account too from now on.
    pub fn joined(&self, account: &'static str) {
        *self.outside.joined.lock().expect("not poisoned") = Some(account);
    }

    /// Registry says something else from now on.
    pub fn registry(&self, change: impl FnOnce(&mut Knows)) {
        change(&mut self.outside.knows.lock().expect("not poisoned"));
    }

    pub async fn feed(&self, lines: Vec<w::FeedLine>) -> Result<Vec<w::FeedResult>, Status> {
        let ask = w::FeedRequest {
            command_id: command(),
            source: "billing".to_owned(),
            lines,
        };
        Ok(self.api.feed(asked(ask, &billing())).await?.into_inner().results)
    }

    pub async fn apply(&self, claims: &Claims, case_id: &str, event: Event) -> Result<w::Case, Status> {
        self.apply_at(0, claims, case_id, event).await
    }

    pub async fn apply_at(
        &self,
        expected_version: u64,
        claims: &Claims,
        case_id: &str,
        event: Event,
    ) -> Result<w::Case, Status> {
        let ask = w::ApplyRequest {
            command_id: command(),
            case_id: case_id.to_owned(),
            event: Some(event),
            expected_version,
            photos_stored: ["ab", "cd", "ef"].map(|two| two.repeat(32)).into(),
        };
        self.ask(claims, ask).await
    }

    pub async fn ask(&self, claims: &Claims, ask: w::ApplyRequest) -> Result<w::Case, Status> {
        Ok(self.api.apply(asked(ask, claims)).await?.into_inner())
    }

    pub async fn case(&self, case_id: &str) -> Result<w::Case, Status> {
        let by = Some(w::get_case_request::By::CaseId(case_id.to_owned()));
        let ask = w::GetCaseRequest { by };
        Ok(self.api.get_case(asked(ask, &li())).await?.into_inner())
    }

    pub async fn release(
        &self,
        case_id: &str,
        meter_no: &str,
        spoken: bool,
    ) -> Result<w::ReleaseReply, Status> {
        let ask = w::ReleaseRequest {
            command_id: command(),
            case_id: case_id.to_owned(),
            scanned_meter_no: meter_no.to_owned(),
            spoken,
        };
        Ok(self.api.release(asked(ask, &crew())).await?.into_inner())
    }

    /// A case of account 1001 in the state of that moment on the way; see [`way`].
    pub async fn case_until(&self, state: &str) -> anyhow::Result<String> {
        let told = self
            .feed(vec![balance("b1", "1001", DEBT, "07-01 00:00")])
            .await?;
        let id = told[0].case_id.clone();
        for (at, claims, event) in way() {
            if self.case(&id).await?.state == state {
                return Ok(id);
            }
            self.until(at).await?;
            match event {
                Some(event) => drop(self.apply(&claims, &id, event).await?),
                None => drop(self.feed(vec![balance(at, "1001", DEBT, at)]).await?),
            }
        }
        assert_eq!(self.case(&id).await?.state, state);
        Ok(id)
    }

    /// Types of the events told, in order.
    pub async fn told(&self) -> anyhow::Result<Vec<String>> {
        Ok(
            sqlx::query_scalar("select type from outbox order by occurred_at, version")
                .fetch_all(self.db.pool())
                .await?,
        )
    }
}

/// The customer answered at their own number.
pub fn answered() -> Option<w::CallAnswered> {
    Some(w::CallAnswered {
        contact_id: NUMBER.to_string(),
        answered_by: "王小明".to_owned(),
        adult: true,
    })
}

/// By post: no call that could turn out to have reached a stranger.
pub fn remind() -> Event {
    Event::Remind(w::Remind {
        reminded_at: Some(timestamp(local("07-10 10:00"))),
        channel: "post".to_owned(),
        record: "letter 17".to_owned(),
        ..w::Remind::default()
    })
}

pub fn propose() -> Event {
    Event::Propose(w::Propose {
        reason: "reminded twice".to_owned(),
    })
}

pub fn issue(stop_at: &str) -> Event {
    Event::Issue(w::Issue {
        stop_at: Some(timestamp(local(stop_at))),
    })
}

pub fn serve(served_at: &str) -> w::Serve {
    w::Serve {
        method: "posted_with_witness".to_owned(),
        served_at: Some(timestamp(local(served_at))),
        position: Some(Point {
            lon: 120.15,
            lat: 30.28,
        }),
        photo_sha256: "ab".repeat(32),
        received_by: "nobody at home".to_owned(),
        witness: "zhou".to_owned(),
        ..w::Serve::default()
    }
}

pub fn warn(at: &str) -> Event {
    Event::PreNotice(w::PreNotice {
        warned_at: Some(timestamp(local(at))),
        channel: "phone".to_owned(),
        record: "call 90".to_owned(),
        call: answered(),
        ..w::PreNotice::default()
    })
}

pub fn cut(release: &str) -> Event {
    Event::Cut(w::Cut {
        release: release.to_owned(),
        scanned_meter_no: METER.to_owned(),
        second: "sun".to_owned(),
        photo_before_sha256: "cd".repeat(32),
        photo_after_sha256: "ef".repeat(32),
        nobody_at_risk: true,
        ..w::Cut::default()
    })
}

pub fn reconnect() -> Event {
    Event::Reconnect(w::Reconnect { customer_told: true })
}

/// What people do on the way to the last warning; `None`: billing confirms the balance.
pub fn way() -> Vec<(&'static str, Claims, Option<Event>)> {
    vec![
        ("07-10 11:00", li(), Some(remind())),
        ("08-05 10:00", li(), Some(propose())),
        ("08-06 09:00", hu(), Some(Event::Approve(w::Approve::default()))),
        ("08-06 10:00", li(), Some(issue("08-17 10:00"))),
        ("08-10 09:30", crew(), Some(Event::Serve(serve("08-10 09:00")))),
        ("08-17 09:14", li(), None),
        ("08-17 09:16", li(), Some(warn("08-17 09:15"))),
        ("08-17 09:59", li(), None),
    ]
}

pub fn tell(kind: &str) -> Event {
    Event::Tell(w::Tell {
        kind: kind.to_owned(),
    })
}
