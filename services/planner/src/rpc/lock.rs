//! The contract of locks: put and lifted by managers, asked by arrears before a cut. What is locked is locked for work and
//! for cuts (domain.md 5.5 no. 21).

use relight_common::{Begun, Claims, Invalid, Role, Work, command::Meta, wire};
use relight_proto::planner::v1::{
    LiftLockRequest, ListLocksReply, Lock as WireLock, LocksAtReply, LocksAtRequest, PutLockRequest,
    standing_locks_server::StandingLocks,
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{Api, answer, parse, taken, view};
use crate::{
    desk::tell,
    domain::{ids::LockId, refusal::lock_kind_zh, said::Said},
    error::Error,
    store::lock::{self, Lock},
};

impl Api {
    pub(super) async fn put(&self, claims: &Claims, request: PutLockRequest) -> Result<WireLock, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let lock = parse::lock(&request)?;
        if !claims.has_at(&[Role::Manager], &lock.org_path) {
            return Err(Error::Denied("only a manager of the area locks it"));
        }
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let by = work.actor().to_owned();
        if !lock::insert(work.conn(), &lock, &by).await? {
            return Err(Invalid::new("lock_id", "is in use; choose a new one").into());
        }
        let detail = json!({ "kind": lock.kind, "org_path": lock.org_path, "from_at": lock.from_at, "until_at": lock.until_at });
        work.audit("lock.set", lock.id, detail);
        alarm_announced(&mut work, &lock).await?;
        Ok(work.commit(view::lock(lock)).await?)
    }

    /// Lifting a lock needs a manager and a reason (domain.md 5.5 no. 21).
    pub(super) async fn lifted(&self, claims: &Claims, request: LiftLockRequest) -> Result<WireLock, Error> {
        let meta = Meta::new(&request.command_id, claims, &request, self.clock.now())?;
        let id = LockId::parse(&request.lock_id)?;
        let reason = wire::text_required("reason", &request.reason, 500)?;
        let mut work = match Work::begin(&self.db, meta).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let known = lock::get(work.conn(), id).await?;
        if !claims.has_at(&[Role::Manager], &known.org_path) {
            return Err(Error::Denied("only a manager of the area lifts its locks"));
        }
        let by = work.actor().to_owned();
        let lock = lock::lift(work.conn(), id, &by, &reason).await?;
        work.audit("lock.lifted", id, json!({ "reason": reason }));
        Ok(work.commit(view::lock(lock)).await?)
    }

    /// Locks that are not over.
    pub(super) async fn locks(&self) -> Result<ListLocksReply, Error> {
        let rows = lock::standing(self.db.pool(), self.clock.now()).await?;
        Ok(ListLocksReply {
            locks: rows.into_iter().map(view::lock).collect(),
        })
    }

    async fn locks_at(&self, request: &LocksAtRequest) -> Result<LocksAtReply, Error> {
        let org_path = wire::text_required("org_path", &request.org_path, 200)?;
        let at = wire::instant("at", request.at)?;
        let rows = lock::at(self.db.pool(), &org_path, at).await?;
        Ok(LocksAtReply {
            locks: rows.into_iter().map(view::lock).collect(),
        })
    }
}

/// People were told a time that may not be kept: who planned it has to move it, and not first at the last gate.
async fn alarm_announced(work: &mut Work, lock: &Lock) -> Result<(), Error> {
    let until = lock.until_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (kind, reason) = (&lock.kind, &lock.reason);
    let kind_zh = lock_kind_zh(kind);
    let because = Said::new(
        format!("锁定至{until}（{kind_zh}：{reason}）：请改期并重新告知，或由负责人解除锁定"),
        format!(
            "locked until {until} ({kind}: {reason}): move it to another day with a new notice, or a manager lifts the lock"
        ),
    );
    for hit in lock::announced(work.conn(), lock).await? {
        let about = tell::About {
            outage: hit.id,
            number: &hit.number,
            version: hit.version,
            org_path: &hit.org_path,
            off_at: hit.off_at,
        };
        tell::raise(work, about, "locked", because.clone()).await?;
    }
    Ok(())
}

#[tonic::async_trait]
impl StandingLocks for Api {
    async fn at(&self, request: Request<LocksAtRequest>) -> Result<Response<LocksAtReply>, Status> {
        let (claims, request) = taken(request)?;
        if !claims.is_service("arrears") {
            return Err(Status::permission_denied("this is told to arrears alone"));
        }
        answer(self.locks_at(&request).await)
    }
}
