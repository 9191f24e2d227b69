//! The contract of alarms: seen by the arrears desk of the area, acknowledged by name.

use relight_common::{Begun, Claims, Role, error::refuse, wire, wire::timestamp};
use relight_proto::{
    arrears::v1::{
        AcknowledgeAlarmRequest, Alarm as WireAlarm, ListAlarmsReply, ListAlarmsRequest,
        arrears_alarms_server::ArrearsAlarms,
    },
    common::v1::Point,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    error::Error,
    outside::Outside,
    store::alarm::{self, Alarm, Wanted},
};

/// Who sees alarms and says that they have: those who can do something about them.
const DESK: [Role; 3] = [Role::Agent, Role::Manager, Role::Admin];

impl<O: Outside> Api<O> {
    async fn alarms(&self, claims: &Claims, ask: &ListAlarmsRequest) -> Result<ListAlarmsReply, Error> {
        let wanted = Wanted {
            open: ask.open,
            case_id: wire::uuid_opt("case_id", &ask.case_id)?,
            org_patterns: claims.org_patterns(&DESK),
        };
        let name = format!("alarms:{wanted:?}");
        let page = self.cursors.page(&name, ask.page.as_ref())?;
        let rows = alarm::list(self.db.pool(), &wanted, page.after, page.size).await?;
        let last = rows.last().map(|row| (row.raised_at, row.id));
        Ok(ListAlarmsReply {
            next_cursor: self.cursors.next(&name, &page, rows.len(), last),
            alarms: rows.into_iter().map(shown).collect(),
        })
    }

    async fn seen_alarm(&self, claims: &Claims, ask: AcknowledgeAlarmRequest) -> Result<WireAlarm, Error> {
        let id = wire::uuid("alarm_id", &ask.alarm_id)?;
        let mut work = match self.begin(&ask.command_id, claims, &ask).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let (by, at) = (work.actor().to_owned(), work.at());
        let found = alarm::acknowledge(work.conn(), id, &claims.org_patterns(&DESK), (&by, at)).await?;
        let one = found.ok_or(Error::NoAlarm)?;
        let detail = json!({ "alarm_id": id, "level": one.level });
        work.audit("arrears.alarm_acknowledged", one.case_id, detail);
        Ok(work.commit(shown(one)).await?)
    }
}

fn shown(one: Alarm) -> WireAlarm {
    WireAlarm {
        alarm_id: one.id.to_string(),
        case_id: one.case_id.to_string(),
        number: one.number,
        org_path: one.org_path,
        level: one.level,
        due_at: Some(timestamp(one.due_at)),
        raised_at: Some(timestamp(one.raised_at)),
        meter_no: one.meter_no,
        address_zh: one.address_zh,
        address_en: one.address_en,
        position: one.lon.zip(one.lat).map(|(lon, lat)| Point { lon, lat }),
        acknowledged_at: one.acknowledged_at.map(timestamp),
        acknowledged_by: one.acknowledged_by.unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl<O: Outside> ArrearsAlarms for Api<O> {
    async fn list(&self, request: Request<ListAlarmsRequest>) -> Result<Response<ListAlarmsReply>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let told = self.alarms(&claims, request.get_ref()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeAlarmRequest>,
    ) -> Result<Response<WireAlarm>, Status> {
        let claims = wire::caller(&request)?;
        claims.need(&DESK)?;
        let told = self.seen_alarm(&claims, request.into_inner()).await;
        told.map(Response::new).map_err(refuse(crate::NAME))
    }
}
