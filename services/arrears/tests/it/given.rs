//! A room of its own per test: the rules of CN-SGCC, a clock that stands still until it is set, and the other services as
//! far as arrears asks them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use prost::Message;
use relight_arrears::{
    MIGRATIONS, NAME,
    consumer::FromNotify,
    desk::House as Rules,
    domain::{Law, Locks, Premises, class::Class, money::Terms},
    error::Error,
    outside::Outside,
    rpc::Api,
    store::account::Supply,
    timers::{Mender, Timers},
};
use relight_common::{
    Claims, Clock, Grant, Role, Work, ids::derived_from_name, reader::Consumer, reconcile::Reconciler,
    secrets::Secrets, timer, wire::timestamp,
};
use relight_policy::Pack;
use relight_proto::{
    arrears::v1::{
        self as w, apply_request::Event, arrears_server::Arrears,
        notice_text_batches_server::NoticeTextBatches, notice_texts_server::NoticeTexts,
    },
    common::v1::Point,
    events::v1::{self as events, ArrearsNotice, NoticeServed, notice_served},
};
use relight_testkit::TestDb;
use tonic::{Request, Status};
use uuid::Uuid;

pub const CITY: &str = "demo/city";
pub const DEBT: i64 = 50_000;
pub const METER: &str = "M-1001";
pub const NEIGHBOUR: &str = "M-1002";

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
}

fn supply_of(account: &str, meter_no: &str) -> Supply {
    Supply {
        account: account.to_owned(),
        customer_id: derived_from_name(account),
        service_point_id: derived_from_name(&format!("point {account}")),
        org_path: CITY.to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        meter_no: meter_no.to_owned(),
        class: Class::Ordinary,
        name: "王小明".to_owned(),
        address_zh: "文一路1号".to_owned(),
        address_en: "1 Wenyi Road".to_owned(),
    }
}

impl Outside for StandIn {
    async fn supply(&self, account: &str) -> Result<Result<Supply, String>, Error> {
        if !account.starts_with("1001") {
            return Ok(Err("the account is not known".to_owned()));
        }
        Ok(Ok(supply_of(account, METER)))
    }

    async fn locks(&self, _org_path: &str, _at: DateTime<Utc>) -> Locks {
        self.locks.lock().expect("not poisoned").clone()
    }

    /// The neighbour's meter is known, no other.
    async fn meter(&self, meter_no: &str) -> Result<Option<Supply>, Error> {
        Ok((meter_no == NEIGHBOUR).then(|| supply_of("1002", NEIGHBOUR)))
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
    /// Moves the clock forward to `at` and lets everything happen that is due.
    pub async fn until(&self, at: &str) -> anyhow::Result<()> {
        let by = local(at) - self.clock.now();
        self.clock.advance(by);
        self.fire().await?;
        Ok(())
    }

    pub async fn fire(&self) -> anyhow::Result<usize> {
        let timers = Timers {
            house: self.rules.clone(),
        };
        Ok(timer::fire_due(&self.db, self.clock.now(), &timers).await?)
    }

    pub async fn mend(&self) -> anyhow::Result<u64> {
        let mender = Mender {
            house: self.rules.clone(),
        };
        Ok(mender.pass(&self.db, self.clock.now()).await?)
    }

    pub fn premises(&self, now: Premises) {
        *self.outside.premises.lock().expect("not poisoned") = now;
    }

    pub fn locks(&self, now: Locks) {
        *self.outside.locks.lock().expect("not poisoned") = now;
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

pub fn remind() -> Event {
    Event::Remind(w::Remind {
        reminded_at: Some(timestamp(local("07-10 10:00"))),
        channel: "phone".to_owned(),
        record: "call 17".to_owned(),
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
        witness: "zhou".to_owned(),
        ..w::Serve::default()
    }
}

pub fn warn(at: &str) -> Event {
    Event::PreNotice(w::PreNotice {
        warned_at: Some(timestamp(local(at))),
        channel: "phone".to_owned(),
        record: "call 90".to_owned(),
        safe_shutdown: String::new(),
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
        ("08-06 09:00", hu(), Some(Event::Approve(w::Approve {}))),
        ("08-06 10:00", li(), Some(issue("08-17 10:00"))),
        ("08-10 09:30", crew(), Some(Event::Serve(serve("08-10 09:00")))),
        ("08-17 09:14", li(), None),
        ("08-17 09:16", li(), Some(warn("08-17 09:15"))),
        ("08-17 09:59", li(), None),
    ]
}

/// The notices ordered of notify, oldest first.
pub async fn ordered(room: &Room) -> anyhow::Result<Vec<ArrearsNotice>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select data from outbox where type = 'arrears.notice' order by id")
            .fetch_all(room.db.pool())
            .await?;
    rows.iter()
        .map(|data| Ok(ArrearsNotice::decode(data.as_slice())?))
        .collect()
}

impl Room {
    /// Notify tells what became of the newest message.
    pub async fn became(&self, channel: &str, result: &str, at: &str) -> anyhow::Result<()> {
        let notices = ordered(self).await?;
        let newest = notices.last().expect("a message was ordered");
        self.served(newest, (channel, result, at)).await
    }

    /// Notify tells what became of the newest message of this kind.
    pub async fn became_of(&self, kind: &str, result: &str, at: &str) -> anyhow::Result<()> {
        let notices = ordered(self).await?;
        let newest = notices.iter().rfind(|notice| notice.kind == kind);
        self.served(newest.expect("one of that kind"), ("sms", result, at))
            .await
    }

    async fn served(
        &self,
        notice: &ArrearsNotice,
        (channel, result, at): (&str, &str, &str),
    ) -> anyhow::Result<()> {
        let told = NoticeServed {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
            results: vec![notice_served::Result {
                customer_id: notice.customer_id.clone(),
                channel: channel.to_owned(),
                result: result.to_owned(),
                at: Some(timestamp(local(at))),
            }],
            ..NoticeServed::default()
        };
        let event = events::Event {
            id: command(),
            r#type: "notice.served".to_owned(),
            data: told.encode_to_vec(),
            ..events::Event::default()
        };
        let consumer = FromNotify::new(&self.db, self.rules.clone(), Arc::clone(&self.outside));
        let premises = consumer.prepare(&event).await?;
        let mut work = Work::internal(&self.db, event.id.clone(), self.clock.now()).await?;
        consumer.apply(&mut work, &event, premises).await?;
        work.done().await?;
        Ok(())
    }

    /// What notify is told to write.
    pub async fn text_of(&self, notice: &ArrearsNotice, asks: &Claims) -> Result<w::TextOfReply, Status> {
        let ask = w::TextOfRequest {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
        };
        Ok(self.api.text_of(asked(ask, asks)).await?.into_inner())
    }

    /// What notify is told to write, asked about together.
    pub async fn texts_of(
        &self,
        notices: &[ArrearsNotice],
        asks: &Claims,
    ) -> Result<HashMap<String, w::TextOfReply>, Status> {
        let ask = |notice: &ArrearsNotice| w::TextOfRequest {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
        };
        let all = w::TextsOfRequest {
            notices: notices.iter().map(ask).collect(),
        };
        Ok(self.api.texts_of(asked(all, asks)).await?.into_inner().texts)
    }
}

pub fn tell(kind: &str) -> Event {
    Event::Tell(w::Tell {
        kind: kind.to_owned(),
    })
}
