//! The contract of the form of a plan: templates, alternatives, countersigns.

use std::collections::BTreeSet;

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, wire, wire::timestamp};
use relight_proto::planner::v1::{
    Alternative as WireAlternative, ConsiderRequest, Countersign as WireCountersign, CountersignRequest,
    GetFormRequest, ListTemplatesReply, ListTemplatesRequest, Named as WireNamed, PlanForm, PlanTemplate,
    countersign_request::Step as WireStep, plan_forms_server::PlanForms,
};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use super::{
    Api, answer, outage_id,
    parse::{TEXT_MAX, one_of, template},
    taken,
};
use crate::{
    desk::{
        form::{Asked, Considered, Whom, consider, countersigned},
        rights::{PLAN, SEE},
    },
    domain::form::{Department, Named, Step, Template, Verdict},
    error::Error,
    store::{
        form::{self, Alternative, Of},
        outage::{self, Stored},
    },
};

/// Who sees forms: everybody who may sign for some department, or sees plans.
const READ: [Role; 6] = [SEE[0], SEE[1], SEE[2], SEE[3], SEE[4], Role::ControlRoom];
/// Kinds or departments in one request.
const NAMED_MAX: usize = 20;

fn expected(version: u64) -> Result<i64, Invalid> {
    i64::try_from(version).map_err(|_| Invalid::new("expected_version", "must be below 2^63"))
}

fn considered(request: &ConsiderRequest) -> Result<Considered, Error> {
    let kinds: BTreeSet<_> = request.alternatives.iter().map(|one| &one.kind).collect();
    if kinds.len() != request.alternatives.len() || kinds.len() > NAMED_MAX {
        return Err(Invalid::new("alternatives", "must name each kind once, at most 20").into());
    }
    let one = |one: &WireAlternative| {
        let kind = wire::text_required("alternatives.kind", &one.kind, 40)?;
        let reason = wire::text_required("alternatives.reason", &one.reason, TEXT_MAX)?;
        Ok((kind, one.used, reason))
    };
    let change = (!request.template.is_empty()).then(|| template(&request.template));
    Ok(Considered {
        outage: outage_id(&request.outage_id)?,
        expected_version: expected(request.expected_version)?,
        template: change.transpose()?,
        alternatives: request
            .alternatives
            .iter()
            .map(one)
            .collect::<Result<_, Invalid>>()?,
    })
}

fn asked(request: &CountersignRequest) -> Result<Asked, Error> {
    let named = |word: &str| -> Result<Whom, Invalid> {
        Ok(Whom::Named(vec![wire::text_required("department", word, 40)?]))
    };
    let step = request.step.as_ref();
    let (step, whom) = match step.ok_or_else(|| Invalid::new("step", "must be given"))? {
        WireStep::Send(it) if it.departments.len() > NAMED_MAX => {
            return Err(Invalid::new("departments", "must name at most 20").into());
        }
        WireStep::Send(it) if it.departments.is_empty() => (Step::Send, Whom::All),
        WireStep::Send(it) => (Step::Send, Whom::Named(it.departments.clone())),
        WireStep::Receive(it) => (Step::Receive, named(&it.department)?),
        WireStep::Sign(it) => {
            let verdict = one_of("sign.verdict", &it.verdict, &["agreed", "refused"])?;
            let verdict = if verdict == "agreed" {
                Verdict::Agreed
            } else {
                Verdict::Refused
            };
            let reason = wire::text("sign.reason", &it.reason, TEXT_MAX)?;
            (Step::Sign { verdict, reason }, named(&it.department)?)
        }
    };
    Ok(Asked {
        outage: outage_id(&request.outage_id)?,
        expected_version: expected(request.expected_version)?,
        step,
        whom,
    })
}

impl Api {
    async fn form_of(&self, claims: &Claims, request: GetFormRequest) -> Result<PlanForm, Error> {
        let id = outage_id(&request.outage_id)?;
        let area = claims.org_patterns(&READ);
        let one = outage::find(self.db.pool(), Some(id.uuid()), "", &area).await?;
        shown(&mut *self.conn().await?, &one).await
    }

    async fn considers(&self, claims: &Claims, request: ConsiderRequest) -> Result<PlanForm, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let asked = considered(&request)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = consider(&mut work, claims, asked).await?;
        let reply = shown(work.conn(), &one).await?;
        Ok(work.commit(reply).await?)
    }

    async fn countersigns(&self, claims: &Claims, request: CountersignRequest) -> Result<PlanForm, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let asked = asked(&request)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = countersigned(&mut work, &self.pack, claims, asked).await?;
        let reply = shown(work.conn(), &one).await?;
        Ok(work.commit(reply).await?)
    }
}

async fn shown(conn: &mut PgConnection, one: &Stored) -> Result<PlanForm, Error> {
    let lacks = form::lacks(conn, one).await?;
    let alternatives = form::alternatives(conn, one.id).await?;
    let countersigns = form::countersigns(conn, one.id).await?;
    Ok(PlanForm {
        outage_id: one.id.to_string(),
        version: one.version.unsigned_abs(),
        template: Some(of_template(form::template(one)?)),
        alternatives: alternatives.into_iter().map(of_alternative).collect(),
        countersigns: countersigns.into_iter().map(of_countersign).collect(),
        not_considered: lacks.alternatives,
        not_signed: lacks.unsigned,
        refused: lacks.refused,
    })
}

fn of_template(one: &Template) -> PlanTemplate {
    let named = |word: &str, zh: &str, en: &str| WireNamed {
        word: word.to_owned(),
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let of_named = |one: &Named| named(&one.word, &one.zh, &one.en);
    let of_department = |one: &Department| named(&one.word, &one.zh, &one.en);
    PlanTemplate {
        name: Some(named(&one.word, &one.zh, &one.en)),
        alternatives: one.alternatives.iter().map(of_named).collect(),
        departments: one.departments.iter().map(of_department).collect(),
    }
}

fn of_alternative(one: Alternative) -> WireAlternative {
    WireAlternative {
        kind: one.kind,
        used: one.used,
        reason: one.reason,
        considered_by: one.considered_by,
        considered_at: Some(timestamp(one.considered_at)),
    }
}

fn of_countersign(one: Of) -> WireCountersign {
    let way = one.countersign;
    let received = way.received.as_ref();
    let signed = way.signed.as_ref();
    WireCountersign {
        department: one.department,
        plan_no: one.plan_no.unsigned_abs(),
        round: way.round,
        sent_at: Some(timestamp(way.sent.at)),
        sent_by: way.sent.by.clone(),
        received_at: received.map(|one| timestamp(one.at)),
        received_by: received.map(|one| one.by.clone()).unwrap_or_default(),
        signed_at: signed.map(|one| timestamp(one.by.at)),
        signed_by: signed.map(|one| one.by.by.clone()).unwrap_or_default(),
        verdict: signed
            .map(|one| one.verdict.word().to_owned())
            .unwrap_or_default(),
        reason: signed.map(|one| one.reason.clone()).unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl PlanForms for Api {
    async fn templates(
        &self,
        request: Request<ListTemplatesRequest>,
    ) -> Result<Response<ListTemplatesReply>, Status> {
        let (claims, _) = taken(request)?;
        claims.need(&READ)?;
        let templates = Template::all().iter().map(of_template).collect();
        Ok(Response::new(ListTemplatesReply { templates }))
    }

    async fn get(&self, request: Request<GetFormRequest>) -> Result<Response<PlanForm>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&READ)?;
        answer(self.form_of(&claims, request).await)
    }

    async fn consider(&self, request: Request<ConsiderRequest>) -> Result<Response<PlanForm>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&PLAN)?;
        answer(self.considers(&claims, request).await)
    }

    async fn countersign(&self, request: Request<CountersignRequest>) -> Result<Response<PlanForm>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&READ)?;
        answer(self.countersigns(&claims, request).await)
    }
}
