//! The contract of safety switch-offs.

use relight_common::{
    Begun, Claims, Invalid, Role, Work, command::Meta, error::refuse, wire, wire::timestamp,
};
use relight_policy::Pack;
use relight_proto::planner::v1::{
    GetSafetyRequest, ListSafetyReply, ListSafetyRequest, RecordSafetyRequest, RestoreSafetyRequest,
    SafetySwitchOff, safety_switch_offs_server::SafetySwitchOffs,
};
use tonic::{Request, Response, Status};

use super::{
    Api, answer,
    parse::{TEXT_MAX, devices},
    taken,
    view::{Page, next},
};
use crate::{
    desk::{
        rights::SEE,
        safety::{Record, record, restore, state},
    },
    domain::safety::{Danger, is_told_late, recordable, tell_within},
    error::Error,
    peers::Found,
    store::safety::{self, SwitchOff},
};

/// Where nobody hangs on a device, because a fault took supply before: it is recorded in the area of who records it.
fn placed(found: &mut Found, claims: &Claims, pack: &Pack) {
    let own = claims.grants.iter().find(|grant| RECORD.contains(&grant.role));
    found.place.org_path = own.map(|grant| grant.org_path.clone()).unwrap_or_default();
    found.place.zone = pack.zone().to_string();
}

/// Who records what was switched because of danger.
const RECORD: [Role; 3] = [Role::Dispatcher, Role::Manager, Role::ControlRoom];

fn read(request: &RecordSafetyRequest, now: chrono::DateTime<chrono::Utc>) -> Result<Record, Error> {
    let danger = Danger::parse(&request.danger).ok_or_else(|| {
        let words: Vec<_> = Danger::ALL.iter().map(|danger| danger.word()).collect();
        Invalid::new("danger", format!("must be one of {}", words.join(", ")))
    })?;
    let switched_off_at = wire::instant("switched_off_at", request.switched_off_at)?;
    recordable(switched_off_at, now).map_err(|fault| Invalid::new("switched_off_at", fault.to_string()))?;
    let expected_on_at = wire::instant_opt("expected_on_at", request.expected_on_at)?;
    if expected_on_at.is_some_and(|at| at <= switched_off_at) {
        return Err(Invalid::new("expected_on_at", "must be after switched_off_at").into());
    }
    Ok(Record {
        id: wire::uuid("safety_id", &request.safety_id)?,
        danger,
        basis: wire::text_required("basis", &request.basis, TEXT_MAX)?,
        switched_off_at,
        expected_on_at,
    })
}

impl Api {
    async fn recorded(
        &self,
        claims: &Claims,
        request: RecordSafetyRequest,
    ) -> Result<SafetySwitchOff, Error> {
        let now = self.clock.now();
        let meta = Meta::new(&request.command_id, claims, &request, now)?;
        let asked = read(&request, now)?;
        let mut found = self.others.below(&devices(&request.device_ids)?).await?;
        if found.place.count == 0 {
            placed(&mut found, claims, &self.pack);
        }
        if !claims.has_at(&RECORD, &found.place.org_path) {
            return Err(Error::Denied("dispatcher, manager or control room of the area"));
        }
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = record(&mut work, &self.pack, asked, found).await?;
        Ok(work.commit(shown(&self.pack, one)).await?)
    }

    async fn brought_back(
        &self,
        claims: &Claims,
        request: RestoreSafetyRequest,
    ) -> Result<SafetySwitchOff, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let id = wire::uuid("safety_id", &request.safety_id)?;
        let cleared_by = wire::text_required("cleared_by", &request.cleared_by, 100)?;
        let known = safety::find(self.db.pool(), id, &claims.org_patterns(&RECORD)).await?;
        let section = if request.all {
            None
        } else {
            Some(
                self.others
                    .section(&devices(&request.device_ids)?, known.set)
                    .await?
                    .0,
            )
        };
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let one = safety::lock(work.conn(), id).await?;
        let one = restore(&mut work, one, section, &cleared_by).await?;
        Ok(work.commit(shown(&self.pack, one)).await?)
    }

    async fn listed_safety(
        &self,
        claims: &Claims,
        request: ListSafetyRequest,
    ) -> Result<ListSafetyReply, Error> {
        let page = Page::read(request.page.as_ref())?;
        let org = claims.org_patterns(&SEE_SAFETY);
        let rows = safety::page(self.db.pool(), &org, page.after_window()?, page.limit).await?;
        let next_cursor = next(&rows, page.limit, |one| {
            format!("{}/{}", one.switched_off_at.timestamp_micros(), one.id)
        });
        Ok(ListSafetyReply {
            switch_offs: rows.into_iter().map(|one| shown(&self.pack, one)).collect(),
            next_cursor,
        })
    }
}

/// Who may see them.
const SEE_SAFETY: [Role; 6] = [SEE[0], SEE[1], SEE[2], SEE[3], SEE[4], Role::ControlRoom];

fn shown(pack: &Pack, one: SwitchOff) -> SafetySwitchOff {
    let within = tell_within(pack, one.switched_off_at);
    SafetySwitchOff {
        safety_id: one.id.to_string(),
        state: state(&one).to_owned(),
        told_late: is_told_late(one.switched_off_at, one.recorded_at, within),
        number: one.number,
        org_path: one.org_path,
        zone: one.zone,
        version: one.version.unsigned_abs(),
        danger: one.danger,
        basis: one.basis,
        device_ids: one.device_ids,
        affected_set_id: one.set.to_string(),
        affected_count: one.count.unsigned_abs(),
        recorded_by: one.recorded_by,
        switched_off_at: Some(timestamp(one.switched_off_at)),
        recorded_at: Some(timestamp(one.recorded_at)),
        told_count: u32::try_from(one.told_count).unwrap_or(u32::MAX),
        expected_on_at: one.expected_on_at.map(timestamp),
        restored_at: one.restored_at.map(timestamp),
        cleared_by: one.cleared_by,
    }
}

#[tonic::async_trait]
impl SafetySwitchOffs for Api {
    async fn record(
        &self,
        request: Request<RecordSafetyRequest>,
    ) -> Result<Response<SafetySwitchOff>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&RECORD)?;
        answer(self.recorded(&claims, request).await)
    }

    async fn restore(
        &self,
        request: Request<RestoreSafetyRequest>,
    ) -> Result<Response<SafetySwitchOff>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&RECORD)?;
        answer(self.brought_back(&claims, request).await)
    }

    async fn get(&self, request: Request<GetSafetyRequest>) -> Result<Response<SafetySwitchOff>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE_SAFETY)?;
        let id =
            wire::uuid("safety_id", &request.safety_id).map_err(|e| refuse(crate::NAME)(Error::from(e)))?;
        let found = safety::find(self.db.pool(), id, &claims.org_patterns(&SEE_SAFETY)).await;
        answer(found.map(|one| shown(&self.pack, one)))
    }

    async fn list(&self, request: Request<ListSafetyRequest>) -> Result<Response<ListSafetyReply>, Status> {
        let (claims, request) = taken(request)?;
        claims.need(&SEE_SAFETY)?;
        answer(self.listed_safety(&claims, request).await)
    }
}
