//! The seat that switches: every step of a switching in one transaction, and what the network is like afterwards.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use relight_common::{Begun, Claims, Db, Invalid, Work, command::Meta, ids, wire};
use relight_grid::Grid;
use relight_proto::{events::v1::GridSwitched, registry::v1 as pb};
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        affected::Summary,
        fold,
        state::State,
        switching::{self, Act},
    },
    error::Error,
    held::{Held, Holder},
    sets,
    store::{
        affected_set::{self, SetRow},
        grid_state::{self, DeviceRow, Telemetry},
        grid_version,
        switching::{self as table, Mark, Row},
    },
};

/// Where a device goes, by what, and what for.
pub(crate) struct Move {
    pub(crate) device_id: String,
    pub(crate) closed: bool,
    /// manual, telemetry
    pub(crate) source: &'static str,
    pub(crate) switching: Option<Uuid>,
    pub(crate) basis_kind: String,
    pub(crate) basis_id: Option<Uuid>,
    pub(crate) at: DateTime<Utc>,
}

/// What a switching made of the network.
pub(crate) struct Moved {
    pub(crate) grid_version: Uuid,
    pub(crate) state_no: i64,
    pub(crate) lost: Option<SetRow>,
    pub(crate) restored: Option<SetRow>,
}

/// How the network is switched on `held`.
pub(crate) async fn state_now<'e>(db: impl sqlx::PgExecutor<'e>, held: &Held) -> Result<State, Error> {
    let devices = grid_state::devices(db).await?;
    let closings = devices.iter().map(|row| (row.device_id.as_str(), row.closed));
    Ok(State::of(&held.grid, closings))
}

/// Waits for other switchings, and sees that `held` is still the network.
pub(crate) async fn lock(work: &mut Work, held: &Held) -> Result<(), Error> {
    grid_state::lock(work.conn()).await?;
    let current = grid_version::current(&mut *work.conn()).await?;
    if current.is_none_or(|current| current.id != held.grid.version()) {
        return Err(Error::NetworkMoved);
    }
    Ok(())
}

/// Switches one device: a new state of the network, who lost and who got supply, and the news of it. Under the lock.
pub(crate) async fn switch(work: &mut Work, held: &Held, to: &Move) -> Result<Moved, Error> {
    let device = held
        .grid
        .device(&to.device_id)
        .ok_or_else(|| sets::unknown_device(held, "device_id", &to.device_id))?;
    let before = state_now(&mut *work.conn(), held).await?;
    let mut after = before.clone();
    after.set(&held.grid, device, to.closed);
    let version = held.grid.version();
    let state_no = grid_state::number(&mut *work.conn(), version).await?.0 + 1;
    let (opened, closed) = after.ids(&held.grid);
    let n = grid_state::insert(work.conn(), version, state_no, (&opened, &closed), to.at).await?;
    let row = DeviceRow {
        device_key: fold(&to.device_id),
        device_id: held.grid.device_id(device).to_owned(),
        closed: to.closed,
        source: to.source.to_owned(),
        switching_id: to.switching,
    };
    grid_state::set(work.conn(), &row, to.at).await?;
    let difference = held.difference(&before, &after);
    let mut base = SetRow::new(Uuid::nil(), version, &Summary::default());
    (base.opened, base.closed) = before.ids(&held.grid);
    base.state_no = state_no - 1;
    base.device_ids = vec![row.device_id.clone()];
    let lost = set_of(work, &base, "lost", &difference.lost).await?;
    let restored = set_of(work, &base, "restored", &difference.restored).await?;
    let moved = Moved {
        grid_version: version,
        state_no,
        lost,
        restored,
    };
    work.audit(
        "grid.switched",
        &row.device_id,
        json!({
            "closed": to.closed, "source": to.source, "state_no": state_no, "basis_kind": to.basis_kind,
            "lost": moved.count(&moved.lost), "restored": moved.count(&moved.restored),
            "partly_dead": difference.partly_dead.len(),
        }),
    );
    tell(work, &moved, to, (n, &row.device_id), (opened, closed));
    Ok(moved)
}

impl Moved {
    fn count(&self, set: &Option<SetRow>) -> i32 {
        set.as_ref().map_or(0, |set| set.count)
    }

    fn org_path(&self) -> String {
        let set = self.lost.as_ref().or(self.restored.as_ref());
        set.map(|set| set.org_path.clone()).unwrap_or_default()
    }
}

/// How the network stays switched on a version that was just stored: its first state, told so that whoever holds the new
/// version knows it too. Nobody loses or gets supply by it. Nothing where all is as drawn and was before.
pub(crate) async fn carry_over(work: &mut Work, grid: &Grid, before: Option<Uuid>) -> Result<(), Error> {
    // A switching under way is either in what is read here, or finds that the network moved.
    grid_state::lock(work.conn()).await?;
    let devices = grid_state::devices(&mut *work.conn()).await?;
    let closings = devices.iter().map(|row| (row.device_id.as_str(), row.closed));
    let (opened, closed) = State::of(grid, closings).ids(grid);
    let last = match before {
        Some(before) => grid_state::number(&mut *work.conn(), before).await?.1,
        None => None,
    };
    if last.is_none() && opened.is_empty() && closed.is_empty() {
        return Ok(());
    }
    let at = last.unwrap_or_else(|| work.at());
    let n = grid_state::insert(work.conn(), grid.version(), 1, (&opened, &closed), at).await?;
    work.audit(
        "grid.switched.kept",
        grid.version(),
        json!({ "opened": &opened, "closed": &closed }),
    );
    let news = GridSwitched {
        grid_version: grid.version().to_string(),
        state_no: 1,
        opened,
        closed,
        at: Some(wire::timestamp(at)),
        ..GridSwitched::default()
    };
    work.tell("grid.switched", subject(), n, "", &news);
    Ok(())
}

/// One subject for all, so that readers hear of them in order.
fn subject() -> Uuid {
    ids::derived_from_name("grid.state")
}

fn tell(
    work: &mut Work,
    moved: &Moved,
    to: &Move,
    (n, device_id): (i64, &str),
    (opened, closed): (Vec<String>, Vec<String>),
) {
    let id = |set: &Option<SetRow>| set.as_ref().map(|set| set.id.to_string()).unwrap_or_default();
    // A switching for safety or at a customer's request is itself the reason.
    let basis = match to.basis_kind.as_str() {
        "safety" | "customer_request" => to.switching,
        _ => to.basis_id,
    };
    let news = GridSwitched {
        grid_version: moved.grid_version.to_string(),
        state_no: moved.state_no.unsigned_abs(),
        opened,
        closed,
        device_id: device_id.to_owned(),
        is_closed: to.closed,
        at: Some(wire::timestamp(to.at)),
        lost_set_id: id(&moved.lost),
        restored_set_id: id(&moved.restored),
        basis_id: basis.map(|basis| basis.to_string()).unwrap_or_default(),
        basis_kind: to.basis_kind.clone(),
        seen_only: to.source == "telemetry" && to.switching.is_none(),
    };
    work.tell("grid.switched", subject(), n, &moved.org_path(), &news);
}

/// The set of these, stored; none of nobody.
async fn set_of(
    work: &mut Work,
    base: &SetRow,
    what: &str,
    keys: &[String],
) -> Result<Option<SetRow>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let members = affected_set::pick(&mut *work.conn(), keys, None).await?;
    if members.is_empty() {
        return Ok(None);
    }
    let id = ids::derived(
        base.grid_version,
        &format!("switched\n{}\n{what}", base.state_no + 1),
    );
    let mut set = SetRow::new(id, base.grid_version, &Summary::of(&members));
    (set.opened, set.closed) = (base.opened.clone(), base.closed.clone());
    set.state_no = base.state_no;
    set.device_ids = base.device_ids.clone();
    let at = work.at();
    affected_set::insert(work.conn(), &set, &members, at).await?;
    Ok(Some(set))
}

/// A checked step of a switching.
pub(crate) struct Step {
    pub(crate) act: Act,
    pub(crate) mark: Mark,
    /// When it was executed; only of that step.
    pub(crate) executed_at: Option<DateTime<Utc>>,
}

/// Takes a locked switching one step on; done, it switches the network.
pub(crate) async fn advance(work: &mut Work, held: &Held, row: &mut Row, step: Step) -> Result<(), Error> {
    let state = switching::State::read(&row.state, row.executed_by.clone())
        .ok_or(Error::Stored("state of a switching"))?;
    let seen = grid_state::telemetry(&mut *work.conn(), std::slice::from_ref(&row.device_key)).await?;
    let telemetered = seen
        .iter()
        .any(|told| told.closed == row.close && told.at >= row.requested_at);
    let next = switching::transition(&state, &step.act, &step.mark.actor, telemetered)?;
    if step.act == Act::Execute {
        row.executed_by = Some(step.mark.actor.clone());
        row.executed_at = step.executed_at;
    }
    if next == switching::State::Done {
        let to = Move {
            device_id: row.device_id.clone(),
            closed: row.close,
            source: if step.act == Act::Confirm {
                "manual"
            } else {
                "telemetry"
            },
            switching: Some(row.id),
            basis_kind: row.basis_kind.clone(),
            basis_id: row.basis_id,
            at: row.executed_at.unwrap_or(step.mark.at),
        };
        let moved = switch(work, held, &to).await?;
        row.grid_version = Some(moved.grid_version);
        row.state_no = Some(moved.state_no);
        row.lost_set_id = moved.lost.map(|set| set.id);
        row.restored_set_id = moved.restored.map(|set| set.id);
    }
    row.version += 1;
    row.state = next.word().to_owned();
    table::save(work.conn(), row).await?;
    table::mark(work.conn(), row.id, row.version, &step.mark).await?;
    work.audit(
        "switching.step",
        row.id,
        json!({ "what": step.mark.what, "device_id": row.device_id, "state": row.state, "note": step.mark.note }),
    );
    Ok(())
}

/// Takes in what telemetry says: it confirms what is under way, moves what nobody set by hand, and contradicts the rest.
pub(crate) async fn record(
    db: &Db,
    holder: &Holder,
    claims: &Claims,
    (meta, told): (Meta, Vec<Telemetry>),
) -> Result<pb::RecordTelemetryReply, Error> {
    let held: Arc<Held> = holder.current().await?;
    let mut work = match Work::begin(db, meta).await? {
        Begun::Before(reply) => return Ok(reply),
        Begun::New(work) => work,
    };
    lock(&mut work, &held).await?;
    let mut reply = pb::RecordTelemetryReply::default();
    for one in told {
        if held.grid.device(&one.device_id).is_none() {
            reply.unknown.push(one.device_id);
            continue;
        }
        let now = work.at();
        if grid_state::note(work.conn(), &one, now).await? {
            reply.taken += 1;
            take(&mut work, &held, (claims, &one), &mut reply).await?;
        }
    }
    Ok(work.commit(reply).await?)
}

async fn take(
    work: &mut Work,
    held: &Held,
    (claims, told): (&Claims, &Telemetry),
    reply: &mut pb::RecordTelemetryReply,
) -> Result<(), Error> {
    if let Some(mut row) = table::awaited(work.conn(), &told.device_key, told.closed).await? {
        let mark = Mark {
            what: Act::Telemetry.word().to_owned(),
            at: told.at,
            actor: claims.actor.clone(),
            ..Mark::default()
        };
        let step = Step {
            act: Act::Telemetry,
            mark,
            executed_at: None,
        };
        reply.switched.push(row.device_id.clone());
        return advance(work, held, &mut row, step).await;
    }
    let devices = grid_state::devices(&mut *work.conn()).await?;
    let known = devices.iter().find(|row| row.device_key == told.device_key);
    let device = held.grid.device(&told.device_id);
    let normal = device.is_some_and(|device| held.grid.is_normally_closed(device));
    if known.map_or(normal, |row| row.closed) == told.closed {
        return Ok(());
    }
    if known.is_some_and(|row| row.source == "manual") {
        work.audit(
            "telemetry.contradicts",
            &told.device_id,
            json!({ "closed": told.closed, "at": told.at }),
        );
        reply.conflicts.push(told.device_id.clone());
        return Ok(());
    }
    let to = Move {
        device_id: told.device_id.clone(),
        closed: told.closed,
        source: "telemetry",
        switching: None,
        basis_kind: String::new(),
        basis_id: None,
        at: told.at,
    };
    switch(work, held, &to).await?;
    reply.switched.push(told.device_id.clone());
    Ok(())
}

/// An instant that is not in the future.
pub(crate) fn past(
    field: &'static str,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Invalid> {
    match at {
        Some(at) if at > now + chrono::TimeDelta::minutes(2) => {
            Err(Invalid::new(field, "must not be in the future"))
        }
        at => Ok(at.unwrap_or(now)),
    }
}
