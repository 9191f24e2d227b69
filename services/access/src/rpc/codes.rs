//! One-time codes and sessions of customers.

use relight_common::{
    Begun, Claims, Invalid, Work,
    command::Meta,
    ids::derived,
    wire::{self, ACCOUNT_MAX},
};
use relight_proto::access::v1::{ConfirmCodeRequest, RequestCodeReply, RequestCodeRequest, Session};

use super::{Api, language, wire_customer};
use crate::{
    domain::{
        account::Language,
        code::{self, Verdict},
        limits,
    },
    error::Error,
    outside::Outside,
    secret::{new_token, same, sha256},
    store::{
        codes::{self, Live, New},
        sessions::{self, Owner},
    },
};

const PHONE_MAX: usize = 32;
impl<O: Outside> Api<O> {
    /// Answers that do not say whether account and phone belong together must not say it by their speed either.
    pub(super) async fn paced<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::join!(work, tokio::time::sleep(self.pace)).0
    }

    /// The answer is the same whether account and phone belong together or not, and also when there were too many codes.
    pub(super) async fn make_code(&self, ask: &RequestCodeRequest) -> Result<RequestCodeReply, Error> {
        let account = wire::text_required("account", &ask.account, ACCOUNT_MAX)?;
        let phone = wire::text_required("phone", &ask.phone, PHONE_MAX)?;
        let language = language(ask.language)?;
        let now = self.clock.now();
        let meta = Meta::new(&ask.command_id, &Claims::anybody(), ask, now)?;
        let id = derived(meta.id.uuid(), "code");
        let found = self.outside.match_contact(&account, &phone).await?;
        let mut work = match Work::begin::<RequestCodeReply>(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        if let Some(found) = found {
            let (customer_id, contact_id) = (found.customer_id, found.contact_id);
            let new = New {
                id,
                customer_id,
                contact_id,
                account: &account,
                language,
                now,
            };
            let made = codes::make(work.conn(), &new).await?;
            work.audit("code.requested", customer_id, serde_json::json!({ "made": made }));
        }
        let expires_at = Some(wire::timestamp(now + code::lifetime()));
        let reply = work.commit(RequestCodeReply { expires_at }).await?;
        self.bell.notify_one();
        Ok(reply)
    }

    /// A try is stored before it is answered: a wrong one counts whatever happens to the answer.
    pub(super) async fn use_code(&self, ask: &ConfirmCodeRequest) -> Result<Session, Error> {
        let account = wire::text_required("account", &ask.account, ACCOUNT_MAX)?;
        let given = digits(&ask.code)?;
        let now = self.clock.now();
        let mut work = Work::internal(&self.db, "confirm_code", now).await?;
        let Some(live) = codes::lock(work.conn(), &account).await? else {
            return Err(Error::WrongCode);
        };
        let matches = same(&self.keyed.code(live.id), &given);
        let verdict = code::judge(matches, live.wrong, live.expires_at, now);
        codes::tried(work.conn(), live.id, verdict, now).await?;
        let session = match verdict {
            Verdict::Right => Ok(self.open_for(&mut work, &live).await?),
            Verdict::Wrong | Verdict::Last | Verdict::Expired => Err(Error::WrongCode),
        };
        work.done().await?;
        session
    }

    async fn open_for(&self, work: &mut Work, live: &Live) -> Result<Session, Error> {
        let (now, token) = (work.at(), new_token());
        let language = Language::of_tag(&live.language);
        let owner = Owner::Customer(live.customer_id);
        let lifetime = limits::of_customers();
        let expires_at = sessions::open(work.conn(), &sha256(&token), owner, language, lifetime, now).await?;
        work.audit(
            "session.opened",
            live.customer_id,
            serde_json::json!({ "until": expires_at }),
        );
        let person = Some(wire_customer(live.customer_id, language));
        Ok(Session {
            token,
            expires_at: Some(wire::timestamp(expires_at)),
            person,
        })
    }
}

fn digits(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new("code", "must be the six digits of the message"))
    }
}
