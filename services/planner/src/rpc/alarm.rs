//! The contract of alarms: seen by those of the area, acknowledged by name.

use relight_common::{Begun, Claims, Role, Work, command::Meta, wire, wire::timestamp};
use relight_proto::planner::v1::{
    AcknowledgeAlarmRequest, Alarm as WireAlarm, ListAlarmsReply, ListAlarmsRequest,
    outage_alarms_server::OutageAlarms,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{
    Api, answer, taken,
    view::{Page, next},
};
use crate::{
    error::Error,
    store::alarm::{self, Alarm, Wanted},
};

/// Who sees alarms and says that they have: those who can do something about them.
const DESK: [Role; 4] = [Role::Planner, Role::Dispatcher, Role::Manager, Role::ControlRoom];

impl Api {
    async fn alarms(&self, claims: &Claims, request: ListAlarmsRequest) -> Result<ListAlarmsReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let org = claims.org_patterns(&DESK);
        let wanted = Wanted {
            open: request.open,
            outage: wire::uuid_opt("outage_id", &request.outage_id)?,
            org: &org,
            before: page.after_id()?,
            limit: page.limit,
        };
        let rows = alarm::list(self.db.pool(), wanted).await?;
        let next_cursor = next(&rows, page.limit, |one| one.id.to_string());
        Ok(ListAlarmsReply {
            alarms: rows.into_iter().map(shown).collect(),
            next_cursor,
        })
    }

    async fn seen_alarm(
        &self,
        claims: &Claims,
        request: AcknowledgeAlarmRequest,
    ) -> Result<WireAlarm, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let id = wire::uuid("alarm_id", &request.alarm_id)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let (by, at) = (work.actor().to_owned(), work.at());
        let found = alarm::acknowledge(work.conn(), id, &claims.org_patterns(&DESK), &by, at).await?;
        let one = found.ok_or(Error::NoSuchAlarm(id))?;
        let detail = json!({ "alarm_id": id, "what": one.what });
        work.audit("outage.alarm_acknowledged", one.outage, detail);
        Ok(work.commit(shown(one)).await?)
    }
}

fn shown(one: Alarm) -> WireAlarm {
    WireAlarm {
        alarm_id: one.id.to_string(),
        outage_id: one.outage.to_string(),
        number: one.number,
        org_path: one.org_path,
        what: one.what,
        because: one.because,
        because_zh: one.because_zh,
        off_at: Some(timestamp(one.off_at)),
        raised_at: Some(timestamp(one.raised_at)),
        acknowledged_at: one.acknowledged_at.map(timestamp),
        acknowledged_by: one.acknowledged_by.unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl OutageAlarms for Api {
    async fn list(&self, request: Request<ListAlarmsRequest>) -> Result<Response<ListAlarmsReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&DESK)?;
        answer(self.alarms(&claims, request).await)
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeAlarmRequest>,
    ) -> Result<Response<WireAlarm>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&DESK)?;
        answer(self.seen_alarm(&claims, request).await)
    }
}
