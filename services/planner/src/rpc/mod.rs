//! The contract of the planner: wire to command and back. Generated types stop here, in the consumer and in what is told.

mod accuracy;
mod alarm;
mod call;
mod evidence;
mod figures;
mod form;
mod lock;
mod parse;
mod photo;
mod records;
mod reliability;
mod safety;
mod task;
mod view;

use relight_common::{
    Begun, Claims, Clock, Db, Invalid, Role, Work, command::Meta, config, error::refuse, wire,
};
use relight_policy::Pack;
use relight_proto::planner::v1::{
    ActRequest, AnnouncementsReply, AnnouncementsRequest, DraftRequest, ExplainReply, GetRequest,
    LiftLockRequest, ListLocksReply, ListLocksRequest, ListReply, ListRequest, Lock as WireLock,
    Outage as WireOutage, PutLockRequest, RecipientsReply, RecipientsRequest, get_request::By,
    planner_server::Planner,
};
use serde_json::json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    desk::{
        act,
        draft::{self, Draft},
        rights::{ACT, SEE},
        step::{law, zone_of},
    },
    domain::{
        call::Call,
        event::Event,
        ids::OutageId,
        outage::State,
        times::Times,
        transition::{form_holds, gate_holds, notice_holds},
    },
    error::Error,
    peers::{Others, Planned},
    rpc::parse::Asks,
    store::{
        consecutive, facts, list,
        outage::{self, Stored},
        people,
    },
};

/// The policy pack of this deployment.
///
/// # Errors
/// When the configuration names none, or one that does not load.
pub fn pack() -> anyhow::Result<Pack> {
    Ok(config::section::<relight_policy::Section>("policy")?.load()?)
}

/// Serves the contract.
#[derive(Debug, Clone)]
pub struct Api {
    db: Db,
    clock: Clock,
    pack: Pack,
    others: Others,
}

impl Api {
    /// Serves over `db` by the rules of `pack`.
    pub fn new(db: &Db, clock: Clock, pack: Pack, others: Others) -> Self {
        Self {
            db: db.clone(),
            clock,
            pack,
            others,
        }
    }

    async fn drafted(&self, claims: &Claims, request: DraftRequest) -> Result<WireOutage, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&request.command_id, claims, &request, now)?;
        let asked = parse::draft(&request, now)?;
        let found = self.others.find(&asked.device_ids).await?;
        if !claims.has_at(&[Role::Planner, Role::Manager], &found.place.org_path) {
            return Err(Error::Denied("planner or manager of the area"));
        }
        let words = asked.words.unwrap_or_empty(&found);
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let draft = Draft {
            id: asked.id,
            window: asked.window,
            words,
            template: asked.template,
            place: found.place,
            affected: found.affected,
            request: asked.request,
        };
        let one = draft::draft(&mut work, &self.pack, draft).await?;
        let reply = view::outage(&mut work, &one).await?;
        Ok(work.commit(reply).await?)
    }

    async fn acted(&self, claims: &Claims, request: ActRequest) -> Result<WireOutage, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&request.command_id, claims, &request, now)?;
        let (mut command, asks) = parse::act(&request, now)?;
        self.ask_others(&mut command, asks).await?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = act::apply(&mut work, &self.pack, claims, command).await?;
        let reply = view::outage(&mut work, &one).await?;
        Ok(work.commit(reply).await?)
    }

    /// What is asked of other services first; repeating it changes nothing.
    async fn ask_others(&self, command: &mut act::Command, asks: Asks) -> Result<(), Error> {
        let everywhere = ["%".to_owned()];
        let known = async || outage::find(self.db.pool(), Some(command.outage.uuid()), "", &everywhere).await;
        match asks {
            Asks::Nothing => {}
            Asks::Ledger => {
                let one = known().await?;
                command.above = match &command.act {
                    act::Act::Event(event @ Event::Extend { .. }) => self.above_if_known(&one, event).await,
                    act::Act::Event(event) => Some(self.above(&one, event).await?),
                    _ => None,
                };
            }
            Asks::Number {
                customer,
                contact,
                outcome,
            } => {
                command.call = Some(Call {
                    id: Uuid::now_v7(),
                    contact,
                    number: self.others.number(customer, contact).await?,
                    outcome,
                });
            }
            Asks::Section(device_ids) => {
                let set = known().await?.place.set;
                command.section = Some(self.others.section(&device_ids, set).await?);
            }
            Asks::Rest => {
                let without_fault = self.others.without_fault(command.outage.uuid()).await?;
                command.act = act::Act::Event(Event::HandOver { without_fault });
            }
            Asks::Network => {
                let found = self.others.find(&known().await?.place.device_ids).await?;
                command.act = act::Act::Refresh(Box::new(found));
            }
        }
        Ok(())
    }

    /// Who is above the limits of the year with the window `event` brings.
    async fn above(&self, one: &Stored, event: &Event) -> Result<(u32, u32), Error> {
        let mut conn = self.conn().await?;
        let customers = people::supplied(&mut conn, one.id).await?;
        let window = event.window(one.life.window);
        let same = consecutive::neighbours(&mut conn, one, window).await?;
        drop(conn);
        let law = law(&self.pack, one);
        let times = Times::of(&law.pack, law.ruled_at.unwrap_or(window.off_at));
        let of = Planned {
            outage: one.id.uuid(),
            window,
            same_plan: same.into_iter().map(|other| other.id).collect(),
        };
        self.others.above(&customers, &of, zone_of(one), &times).await
    }

    /// The same for a later end, which waits for nobody: people must hear of it whether the ledger answers or not.
    async fn above_if_known(&self, one: &Stored, event: &Event) -> Option<(u32, u32)> {
        match self.above(one, event).await {
            Ok(above) => Some(above),
            Err(error) => {
                tracing::warn!(outage.id = %one.id, error = %relight_common::error::chain(&error), "a later end was not compared with the ledger");
                None
            }
        }
    }

    async fn conn(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Error> {
        self.db
            .pool()
            .acquire()
            .await
            .map_err(Error::db("get a connection"))
    }

    async fn known(&self, claims: &Claims, request: GetRequest) -> Result<Stored, Error> {
        let (id, number) = match request.by {
            Some(By::OutageId(id)) => (Some(wire::uuid("outage_id", &id)?), String::new()),
            Some(By::Number(number)) => (None, wire::text_required("number", &number, 40)?),
            None => return Err(Invalid::new("outage_id", "or number must be given").into()),
        };
        outage::find(self.db.pool(), id, &number, &claims.org_patterns(&SEE)).await
    }

    async fn got(&self, claims: &Claims, request: GetRequest) -> Result<WireOutage, Error> {
        let mut one = self.known(claims, request).await?;
        let mut conn = self.conn().await?;
        // Until it is decided, whoever reads it compares; afterwards it stays as it was decided.
        if one.life.state.is_undecided() {
            let apart = law(&self.pack, &one).apart(one.life.window.off_at);
            one.conflicts = facts::conflicts(&mut conn, &one, one.life.window, apart).await?;
        }
        view::read(&mut conn, &one).await
    }

    async fn listed(&self, claims: &Claims, request: ListRequest) -> Result<ListReply, Error> {
        if !request.state.is_empty() && State::parse(&request.state).is_none() {
            return Err(Invalid::new("state", "must be a state such as approved, or empty").into());
        }
        let page = view::Page::read(request.page.as_ref())?;
        let rows = outage::page(
            self.db.pool(),
            &request.state,
            &claims.org_patterns(&SEE),
            page.after_window()?,
            page.limit,
        )
        .await?;
        let mut conn = self.conn().await?;
        let next_cursor = view::next(&rows, page.limit, |one| {
            format!("{}/{}", one.life.window.off_at.timestamp_micros(), one.id)
        });
        let mut outages = Vec::new();
        for one in &rows {
            outages.push(view::read(&mut conn, one).await?);
        }
        Ok(ListReply { outages, next_cursor })
    }

    async fn recipients_of(
        &self,
        claims: &Claims,
        request: RecipientsRequest,
    ) -> Result<RecipientsReply, Error> {
        const WHICH: [&str; 7] = [
            "all",
            "required",
            "unreached",
            "unacknowledged",
            "backfeed",
            "dedicated",
            "uncalled",
        ];
        if !WHICH.contains(&request.which.as_str()) {
            let must = "must be all, required, unreached, unacknowledged, backfeed, dedicated or uncalled";
            return Err(Invalid::new("which", must).into());
        }
        let by = GetRequest {
            by: Some(By::OutageId(request.outage_id)),
        };
        let one = self.known(claims, by).await?;
        let page = view::Page::read(request.page.as_ref())?;
        let (pool, plan_no) = (self.db.pool(), one.life.plan_no);
        let rows = list::recipients(
            pool,
            one.id,
            (plan_no, one.life.call_since()),
            &request.which,
            page.after_id()?,
            page.limit,
        )
        .await?;
        let next_cursor = view::next(&rows, page.limit, |one| one.customer_id.to_string());
        self.seen(claims, &one, &request.which, rows.len()).await?;
        Ok(RecipientsReply {
            recipients: rows.into_iter().map(view::recipient).collect(),
            next_cursor,
        })
    }

    /// A view of who is affected is a view of personal data (operations.md O33).
    async fn seen(&self, claims: &Claims, one: &Stored, which: &str, rows: usize) -> Result<(), Error> {
        let mut work = Work::internal(&self.db, claims.request_id.to_string(), self.clock.now()).await?;
        let detail = json!({ "by": claims.actor, "which": which, "rows": rows });
        work.audit("outage.recipients_seen", one.id, detail);
        Ok(work.done().await?)
    }

    async fn explained(&self, claims: &Claims, request: GetRequest) -> Result<ExplainReply, Error> {
        let one = self.known(claims, request).await?;
        let facts = facts::read(&mut *self.conn().await?, &one).await?;
        let law = law(&self.pack, &one);
        let held = match one.life.state {
            State::Noticed | State::Ready => gate_holds(&one.life, &facts, &law),
            _ => form_holds(&one.life, &facts).and_then(|()| notice_holds(&one.life, &facts, &law)),
        };
        let answer = law.notice(&one.life, &facts.coverage);
        Ok(ExplainReply {
            allowed: held.is_ok(),
            because: held
                .err()
                .map(|refusal| refusal.to_string())
                .into_iter()
                .collect(),
            law: answer.because,
            earliest: answer.earliest.map(wire::timestamp),
        })
    }

    async fn announced(&self) -> Result<AnnouncementsReply, Error> {
        let rows = list::announced(self.db.pool(), self.clock.now()).await?;
        Ok(AnnouncementsReply {
            announcements: rows.into_iter().map(view::announcement).collect(),
        })
    }
}

fn taken<T>(request: Request<T>) -> Result<(Claims, T), Status> {
    let claims = wire::caller(&request)?;
    Ok((claims, request.into_inner()))
}

fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse(crate::NAME))
}

#[tonic::async_trait]
impl Planner for Api {
    async fn draft(&self, request: Request<DraftRequest>) -> Result<Response<WireOutage>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&[Role::Planner, Role::Manager])?;
        answer(self.drafted(&claims, request).await)
    }

    async fn act(&self, request: Request<ActRequest>) -> Result<Response<WireOutage>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&ACT)?;
        answer(self.acted(&claims, request).await)
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<WireOutage>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.got(&claims, request).await)
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.listed(&claims, request).await)
    }

    async fn recipients(
        &self,
        request: Request<RecipientsRequest>,
    ) -> Result<Response<RecipientsReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.recipients_of(&claims, request).await)
    }

    async fn explain(&self, request: Request<GetRequest>) -> Result<Response<ExplainReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.explained(&claims, request).await)
    }

    async fn announcements(
        &self,
        request: Request<AnnouncementsRequest>,
    ) -> Result<Response<AnnouncementsReply>, Status> {
        wire::caller(&request)?;
        answer(self.announced().await)
    }

    async fn put_lock(&self, request: Request<PutLockRequest>) -> Result<Response<WireLock>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&[Role::Manager])?;
        answer(self.put(&claims, request).await)
    }

    async fn lift_lock(&self, request: Request<LiftLockRequest>) -> Result<Response<WireLock>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&[Role::Manager])?;
        answer(self.lifted(&claims, request).await)
    }

    async fn list_locks(
        &self,
        request: Request<ListLocksRequest>,
    ) -> Result<Response<ListLocksReply>, Status> {
        let (claims, _) = taken(request)?;
        claims.need(&SEE)?;
        answer(self.locks().await)
    }
}

/// An id of the wire.
fn outage_id(text: &str) -> Result<OutageId, Invalid> {
    OutageId::parse(text)
}

/// A customer's id of the wire.
fn customer_id(text: &str) -> Result<Uuid, Invalid> {
    wire::uuid("customer_id", text)
}
