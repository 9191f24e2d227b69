//! The contract of arrears: wire to command and back. Generated types stop here (and in what is told).

mod alarm;
mod breach;
mod feed;
mod known;
mod notice;
mod photo;
mod read;
mod show;
mod text;
mod together;
mod unplaced;

use std::sync::Arc;

use relight_common::{
    Begun, Claims, Clock, Db, Invalid, Role, Work, command::Meta, cursor::Cursors, error::refuse,
    ids::CommandId, secrets::Secrets, wire,
};
use relight_proto::arrears::v1::{
    self as w, ApplyRequest, Case, CheckNoticeReply, FeedReply, FeedRequest, GetCaseRequest, ListCasesReply,
    ListCasesRequest, Notice, NoticeRequest, ReleaseReply, ReleaseRequest, apply_request,
    arrears_server::Arrears, get_case_request::By,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    desk::{self, CutTold, House, Leave, Shown},
    domain::{self, NOT_ASKED, Site, message::Kind},
    error::Error,
    outside::Outside,
    store::{
        account::{self, Supply},
        case, message,
    },
};

/// Who sees cases of their area.
const SEE: [Role; 5] = [
    Role::Agent,
    Role::Dispatcher,
    Role::Manager,
    Role::Admin,
    Role::Crew,
];

/// Serves the contract.
#[derive(Debug)]
pub struct Api<O> {
    db: Db,
    clock: Clock,
    house: House,
    outside: Arc<O>,
    cursors: Cursors,
    shown: Shown,
    till: Arc<together::Till<O>>,
    feeding: together::Feeding,
}

impl<O> Clone for Api<O> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            clock: self.clock.clone(),
            house: self.house.clone(),
            outside: Arc::clone(&self.outside),
            cursors: self.cursors.clone(),
            shown: self.shown.clone(),
            till: Arc::clone(&self.till),
            feeding: self.feeding.clone(),
        }
    }
}

impl<O: Outside> Api<O> {
    /// Serves over `db` by the rules of `house`.
    pub fn new(db: &Db, secrets: &Secrets, clock: Clock, house: House, outside: Arc<O>) -> Self {
        let till = Arc::new(together::Till {
            db: db.clone(),
            house: house.clone(),
            outside: Arc::clone(&outside),
        });
        Self {
            db: db.clone(),
            clock,
            house,
            outside,
            cursors: Cursors::new(&secrets.cursor_key),
            shown: Shown::new(&secrets.cursor_key),
            feeding: together::feeding(&till),
            till,
        }
    }

    /// What the amounts of a case are in; cases of before it was kept are in the pack's.
    fn currency<'a>(&'a self, doc: &'a domain::Case) -> &'a str {
        match doc.currency.as_str() {
            "" => self.house.law.currency(),
            kept => kept,
        }
    }

    async fn begin<R: prost::Message + Default>(
        &self,
        command_id: &str,
        claims: &Claims,
        request: &impl prost::Message,
    ) -> Result<Begun<R>, Error> {
        let meta = Meta::new(command_id, claims, request, self.clock.now())?;
        Ok(Work::begin(&self.db, meta).await?)
    }

    /// The case, if the caller may see it. To others it does not exist.
    async fn seen(&self, claims: &Claims, id: Uuid) -> Result<case::Stored, Error> {
        let stored = case::get(self.db.pool(), id).await?.ok_or(Error::NoCase)?;
        if claims.has_at(&SEE, &stored.org_path) {
            Ok(stored)
        } else {
            Err(Error::NoCase)
        }
    }

    async fn one_case(&self, claims: &Claims, ask: GetCaseRequest) -> Result<Case, Error> {
        let pool = self.db.pool();
        let found = match &ask.by {
            Some(By::CaseId(id)) => case::get(pool, wire::uuid("case_id", id)?).await?,
            Some(By::Number(number)) => case::by_number(pool, &wire::text("number", number, 64)?).await?,
            None => return Err(Invalid::new("by", "must be one of case_id or number").into()),
        };
        let stored = found
            .filter(|case| claims.has_at(&SEE, &case.org_path))
            .ok_or(Error::NoCase)?;
        let steps = case::steps(pool, stored.id).await?;
        let messages = message::of_case(pool, stored.id).await?;
        Ok(w::Case {
            messages: messages.into_iter().map(show::message).collect(),
            ..show::case(&stored, &steps)
        })
    }

    async fn page_of_cases(&self, claims: &Claims, ask: ListCasesRequest) -> Result<ListCasesReply, Error> {
        if ask.to_serve {
            return self.visits(claims, &ask).await;
        }
        let state = Some(wire::text("state", &ask.state, 32)?).filter(|state| !state.is_empty());
        if state
            .as_deref()
            .is_some_and(|state| !show::STATES.contains(&state))
        {
            return Err(Invalid::new("state", format!("must be one of {}", show::STATES.join(", "))).into());
        }
        let account = wire::text("account", &ask.account, wire::ACCOUNT_MAX)?;
        let filter = case::Filter {
            state,
            account_key: Some(account::key(&account)).filter(|key| !key.is_empty()),
            org_patterns: claims.org_patterns(&SEE),
        };
        let name = format!("cases:{filter:?}");
        let page = self.cursors.page(&name, ask.page.as_ref())?;
        let rows = case::list(self.db.pool(), &filter, page.after, page.size).await?;
        let last = rows.last().map(|row| (row.opened_at, row.id));
        Ok(ListCasesReply {
            next_cursor: self.cursors.next(&name, &page, rows.len(), last),
            cases: rows.iter().map(|row| show::case(row, &[])).collect(),
        })
    }

    /// Notices that have to be served, the most urgent first.
    async fn visits(&self, claims: &Claims, ask: &ListCasesRequest) -> Result<ListCasesReply, Error> {
        let size = self
            .cursors
            .page::<(chrono::DateTime<chrono::Utc>, Uuid)>("visits", ask.page.as_ref())?
            .size;
        let rows = case::to_serve(self.db.pool(), &claims.org_patterns(&SEE), size).await?;
        Ok(ListCasesReply {
            cases: rows.iter().map(|row| show::case(row, &[])).collect(),
            next_cursor: String::new(),
        })
    }

    async fn applied(&self, claims: &Claims, ask: ApplyRequest) -> Result<Case, Error> {
        let id = wire::uuid("case_id", &ask.case_id)?;
        let event = ask.event.clone();
        let event = event.ok_or_else(|| Invalid::new("event", "must be given"))?;
        let stored = self.seen(claims, id).await?;
        let supply = self.asked_before(claims, &stored, &event).await?;
        if let Some(call) = read::call_of(&event)? {
            self.check_number(&stored, call.contact).await?;
        }
        let site = self.looked_at(&stored, &event).await;
        let act = match read::act(claims, event, &ask.photos_stored)? {
            read::Read::Act(act) => *act,
            read::Read::Cut(told) => desk::Act::Cut(self.metered(&stored, *told).await?),
            read::Read::Issue(stop_at) => desk::Act::Issue {
                stop_at,
                supply: Box::new(supply.ok_or(Error::Stored("answer of registry"))?),
            },
        };
        let mut work = match self.begin(&ask.command_id, claims, &compared(&ask)).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let command = desk::Command {
            case: id,
            act,
            site,
            expected_version: Some(ask.expected_version.cast_signed()).filter(|version| *version > 0),
        };
        let mut after = desk::apply(&mut work, &self.house, claims, &command).await?;
        let at_another = matches!(&command.act, desk::Act::Cut(told) if told.meter != desk::Meter::Ours);
        if !claims.has_at(&SEE, &after.org_path) {
            after = stored;
        }
        let reply = Case {
            warning: if at_another {
                "wrong_meter".to_owned()
            } else {
                String::new()
            },
            ..show::case(&after, &[])
        };
        Ok(work.commit(reply).await?)
    }

    /// What the others know of the premises, asked for the steps towards a cut, for the moment they are about.
    async fn looked_at(&self, stored: &case::Stored, event: &apply_request::Event) -> Site {
        let now = self.clock.now();
        let notified = stored
            .doc
            .state
            .notice()
            .map_or(now, |notice| notice.stop_at.max(now));
        match event {
            apply_request::Event::Cut(_) => self.outside.site(stored, now).await,
            apply_request::Event::PreNotice(_) => self.outside.site(stored, notified).await,
            apply_request::Event::Tell(tell) if tell.kind == Kind::PreNotice.word() => {
                self.outside.site(stored, notified).await
            }
            apply_request::Event::Issue(issue) => {
                let stop_at = wire::instant("stop_at", issue.stop_at).unwrap_or(now);
                Site {
                    locks: self.outside.locks(&stored.org_path, stop_at).await,
                    ..NOT_ASKED.clone()
                }
            }
            _ => NOT_ASKED.clone(),
        }
    }

    async fn supply(&self, stored: &case::Stored) -> Result<Supply, Error> {
        let found = self.outside.supply(&stored.account).await?;
        found.map_err(Error::NoSupply)
    }

    /// A cut that was done on another meter has to be put right there: whose it is, is asked of registry.
    async fn metered(&self, stored: &case::Stored, told: CutTold) -> Result<CutTold, Error> {
        let scanned = &told.doing.scanned_meter_no;
        if told.doing.done_at.is_none() || *scanned == stored.doc.meter_no {
            return Ok(told);
        }
        let meter = match self.outside.meter(scanned).await? {
            Some(supply) => desk::Meter::Others(Box::new(supply)),
            None => {
                let sent_to = self.supply(stored).await.ok();
                let (address_zh, address_en) =
                    sent_to.map_or_else(Default::default, |supply| (supply.address_zh, supply.address_en));
                desk::Meter::Unknown {
                    address_zh,
                    address_en,
                }
            }
        };
        Ok(CutTold { meter, ..told })
    }

    async fn released(&self, claims: &Claims, ask: ReleaseRequest) -> Result<ReleaseReply, Error> {
        let case_id = wire::uuid("case_id", &ask.case_id)?;
        let meter_no = wire::text_required("scanned_meter_no", &ask.scanned_meter_no, 64)?;
        let command = CommandId::parse(&ask.command_id)?;
        let stored = self.seen(claims, case_id).await?;
        self.refreshed(claims, &stored).await?;
        let site = self.outside.site(&stored, self.clock.now()).await;
        let leave = Leave {
            shown: self.shown.of(command.uuid(), ask.spoken),
            spoken: ask.spoken,
        };
        let with_text = |reply: ReleaseReply| ReleaseReply {
            release: leave.shown.clone(),
            ..reply
        };
        let mut work = match self.begin::<ReleaseReply>(&ask.command_id, claims, &ask).await? {
            Begun::Before(reply) => return Ok(with_text(reply)),
            Begun::New(work) => work,
        };
        let of = (case_id, meter_no.as_str(), &leave);
        let expires_at = desk::release(&mut work, &self.house, claims, of, &site).await?;
        // The remembered reply has no release in it: it is made again for a repeat.
        let reply = ReleaseReply {
            release: String::new(),
            expires_at: Some(wire::timestamp(expires_at)),
        };
        Ok(with_text(work.commit(reply).await?))
    }
}

/// What a repeat is compared by: the edge corrects a phone's time anew with each call, so a repeat has another one; and a
/// photo may be stored between a command and its repeat.
fn compared(ask: &ApplyRequest) -> ApplyRequest {
    let mut same = ask.clone();
    same.photos_stored.clear();
    match &mut same.event {
        Some(apply_request::Event::Cut(cut)) => {
            cut.done_at = cut.done_at.map(|_| Default::default());
            cut.clock_off_s = None;
        }
        Some(apply_request::Event::Serve(serve)) => serve.served_at = None,
        _ => {}
    }
    same
}

/// A handler: caller, work, reply; failures are logged and worded in one place.
macro_rules! answer {
    ($self:ident.$method:ident($request:ident)) => {{
        let claims = wire::caller(&$request)?;
        $self
            .$method(&claims, $request.into_inner())
            .await
            .map(Response::new)
            .map_err(refuse(crate::NAME))
    }};
}

#[tonic::async_trait]
impl<O: Outside> Arrears for Api<O> {
    async fn feed(&self, request: Request<FeedRequest>) -> Result<Response<FeedReply>, Status> {
        wire::caller(&request)?.need(&[Role::Admin])?;
        answer!(self.fed(request))
    }

    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<Case>, Status> {
        answer!(self.one_case(request))
    }

    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesReply>, Status> {
        wire::caller(&request)?.need(&SEE)?;
        answer!(self.page_of_cases(request))
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<Case>, Status> {
        answer!(self.applied(request))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseReply>, Status> {
        answer!(self.released(request))
    }

    async fn get_notice(&self, request: Request<NoticeRequest>) -> Result<Response<Notice>, Status> {
        answer!(self.printed(request))
    }

    async fn check_notice(
        &self,
        request: Request<NoticeRequest>,
    ) -> Result<Response<CheckNoticeReply>, Status> {
        answer!(self.checked(request))
    }
}
