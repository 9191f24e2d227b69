//! An access service with a database of its own, a held clock, and recorded messages.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use relight_access::{
    Account, Language,
    error::Error,
    outside::{Match, Message, Outside},
    rpc::{Api, Parts},
    secret::{Keyed, Passwords},
    sender::Sender,
};
use relight_common::{Claims, Clock, Grant, Role, secrets::Secrets};
use relight_proto::access::v1::{
    CheckSessionRequest, ConfirmCodeRequest, LogInRequest, Person, RequestCodeReply, RequestCodeRequest,
    Session, access_server::Access,
};
use relight_testkit::{TestDb, database};
use tokio::sync::Notify;
use tonic::{Request, Status};
use uuid::Uuid;

pub(crate) const ACCOUNT: &str = "3301-0042";
pub(crate) const PHONE: &str = "+8613800000042";
pub(crate) const PASSWORD: &str = "a long password";

/// The other services as far as access sees them: one customer, and every message that arrived.
#[derive(Debug)]
pub(crate) struct Others {
    pub(crate) customer: Match,
    pub(crate) arrived: Mutex<Vec<Message>>,
    pub(crate) away: AtomicBool,
}

impl Outside for Others {
    async fn match_contact(&self, account: &str, phone: &str) -> Result<Option<Match>, Error> {
        Ok(Some(self.customer).filter(|_| account == ACCOUNT && phone == PHONE))
    }

    async fn send_code(&self, message: &Message) -> Result<(), Error> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Error::Busy);
        }
        let mut arrived = self.arrived.lock().expect("no test panics while holding it");
        // As notify does: the same command id again is the same message, and must have the same body.
        match arrived
            .iter()
            .find(|known| known.command_id() == message.command_id())
        {
            Some(known) => assert_eq!(known, message),
            None => arrived.push(message.clone()),
        }
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) api: Api<Others>,
    pub(crate) clock: Clock,
    pub(crate) others: Arc<Others>,
    keyed: Keyed,
}

pub(crate) fn t0() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a date of 2026")
}

pub(crate) async fn world() -> anyhow::Result<World> {
    paced(Duration::ZERO).await
}

/// A world whose answers about codes take at least `pace`.
pub(crate) async fn paced(pace: Duration) -> anyhow::Result<World> {
    let db = database("access", &relight_access::MIGRATIONS).await?;
    let clock = Clock::held(t0());
    let customer = Match {
        customer_id: Uuid::now_v7(),
        contact_id: Uuid::now_v7(),
    };
    let others = Arc::new(Others {
        customer,
        arrived: Mutex::default(),
        away: AtomicBool::new(false),
    });
    let keyed = Keyed::new(&Secrets::ephemeral());
    let api = Api::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        outside: others.clone(),
        passwords: Passwords::new().await?,
        keyed: keyed.clone(),
        cursor_key: [7; 32],
        bell: Arc::new(Notify::new()),
        pace,
    });
    Ok(World {
        db,
        api,
        clock,
        others,
        keyed,
    })
}

pub(crate) fn account(login: &str, role: Role, org_path: &str) -> Account {
    Account {
        login: login.to_owned(),
        display_name: "Somebody".to_owned(),
        grants: vec![Grant {
            role,
            org_path: org_path.to_owned(),
        }],
        crew_id: Some(Uuid::nil()).filter(|_| role == Role::Crew),
        unit_id: Some(Uuid::nil()).filter(|_| role == Role::UnitDesk),
        language: Language::En,
        disabled: false,
    }
}

pub(crate) fn admin(org_path: &str) -> Claims {
    staff(Role::Admin, org_path)
}

pub(crate) fn staff(role: Role, org_path: &str) -> Claims {
    Claims::of(
        Uuid::now_v7().to_string(),
        vec![Grant {
            role,
            org_path: org_path.to_owned(),
        }],
    )
}

pub(crate) fn asked<T>(claims: &Claims, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(claims.clone());
    request
}

pub(crate) fn field(status: &Status) -> &str {
    status
        .metadata()
        .get("relight-field")
        .and_then(|field| field.to_str().ok())
        .unwrap_or_default()
}

impl World {
    pub(crate) async fn seed(&self, account: Account) -> anyhow::Result<()> {
        relight_access::put_account(&self.db, account, PASSWORD, self.clock.now()).await?;
        Ok(())
    }

    pub(crate) async fn log_in(&self, login: &str, password: &str) -> Result<Session, Status> {
        let ask = LogInRequest {
            login: login.to_owned(),
            password: password.to_owned(),
        };
        self.api
            .log_in(Request::new(ask))
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) async fn check(&self, token: &str) -> Result<Person, Status> {
        let ask = CheckSessionRequest {
            token: token.to_owned(),
        };
        self.api
            .check_session(Request::new(ask))
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) async fn request(&self, ask: RequestCodeRequest) -> Result<RequestCodeReply, Status> {
        self.api
            .request_code(Request::new(ask))
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) async fn confirm(&self, account: &str, code: &str) -> Result<Session, Status> {
        let ask = ConfirmCodeRequest {
            account: account.to_owned(),
            code: code.to_owned(),
        };
        self.api
            .confirm_code(Request::new(ask))
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) fn sender(&self) -> Sender<Others> {
        Sender::new(self.db.clone(), self.others.clone(), self.keyed.clone())
    }

    /// Requests a code and gives the one that arrived for it.
    pub(crate) async fn code(&self) -> anyhow::Result<String> {
        self.request(code_for(ACCOUNT, PHONE)).await?;
        self.sender().send_due(self.clock.now()).await?;
        let arrived = self.arrived();
        Ok(arrived
            .last()
            .map(|message| message.code.clone())
            .unwrap_or_default())
    }

    pub(crate) fn arrived(&self) -> Vec<Message> {
        self.others
            .arrived
            .lock()
            .expect("no test panics while holding it")
            .clone()
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }
}

pub(crate) fn code_for(account: &str, phone: &str) -> RequestCodeRequest {
    RequestCodeRequest {
        command_id: Uuid::now_v7().to_string(),
        account: account.to_owned(),
        phone: phone.to_owned(),
        language: 2,
    }
}
