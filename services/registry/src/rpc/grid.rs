//! The network and affected sets on the wire.

use futures_util::stream;
use relight_common::{Claims, Invalid, error::refuse, wire};
use relight_grid::{DeviceIx, DeviceKind};
use relight_proto::{
    common::v1::Point,
    registry::v1::{
        AffectedSet, CreateAffectedSetRequest, Device, GetAffectedSetRequest, GridSnapshotChunk,
        GridSnapshotRequest, ListDevicesReply, ListDevicesRequest, Member, MembersReply, MembersRequest,
    },
};
use tonic::Status;

use super::{Api, Chunks, map};
use crate::{
    domain::{
        fold,
        question::{EXTERNAL_ID_CHARS_MAX, Question},
        state::State,
    },
    error::Error,
    held::Held,
    seat, sets,
    store::{
        affected_set::{self, Which},
        grid_version,
    },
};

pub(super) const MEMBERS_MAX: u32 = 5_000;

impl Api {
    pub(super) async fn snapshot(&self, message: &GridSnapshotRequest) -> Result<Chunks, Error> {
        let pool = self.db.pool();
        let version = match wire::uuid_opt("grid_version", &message.grid_version)? {
            Some(version) if grid_version::exists(pool, version).await? => version,
            Some(version) => return Err(Error::NoVersion(version)),
            None => grid_version::current(pool).await?.ok_or(Error::NoGrid)?.id,
        };
        // A connection is held for one piece at a time, not for the whole of a slow reader.
        let pieces = stream::try_unfold((self.db.clone(), 0_i32), move |(db, n)| async move {
            let piece = grid_version::chunk(db.pool(), version, n)
                .await
                .map_err(refuse("registry"))?;
            let piece = piece.map(|data| GridSnapshotChunk {
                grid_version: version.to_string(),
                data,
            });
            Ok::<_, Status>(piece.map(|piece| (piece, (db, n + 1))))
        });
        Ok(Box::pin(pieces))
    }

    pub(super) async fn create_set(
        &self,
        claims: &Claims,
        message: &CreateAffectedSetRequest,
    ) -> Result<AffectedSet, Error> {
        let named = message.device_ids.len() + message.service_point_external_ids.len();
        let question = match message.nobody {
            true if named > 0 => {
                return Err(
                    Invalid::new("nobody", "must be false when devices or service points are given").into(),
                );
            }
            true => Question::nobody(),
            false => Question::read(
                &message.device_ids,
                &message.within_set_id,
                &message.service_point_external_ids,
            )?,
        };
        let set = sets::create(&self.db, &self.holder, &question, claims, self.clock.now()).await?;
        map::affected_set(set)
    }

    pub(super) async fn set(&self, message: &GetAffectedSetRequest) -> Result<AffectedSet, Error> {
        let id = wire::uuid("set_id", &message.set_id)?;
        map::affected_set(
            affected_set::find(self.db.pool(), id)
                .await?
                .ok_or(Error::NoSet(id))?,
        )
    }

    pub(super) async fn set_members(&self, message: &MembersRequest) -> Result<MembersReply, Error> {
        let set = wire::uuid("set_id", &message.set_id)?;
        let after = wire::uuid_opt("after", &message.after)?;
        let limit = match message.limit {
            0 => MEMBERS_MAX,
            limit => limit.min(MEMBERS_MAX),
        };
        let which = Which {
            set,
            after: after.unwrap_or_default(),
            limit: i64::from(limit),
            own_generation: message.own_generation,
        };
        let rows = match wire::instant_opt("at", message.at)? {
            Some(at) => affected_set::members_at(self.db.pool(), which, at).await?,
            None => affected_set::members(self.db.pool(), which).await?,
        };
        if rows.is_empty() && affected_set::find(self.db.pool(), set).await?.is_none() {
            return Err(Error::NoSet(set));
        }
        let full = u32::try_from(rows.len()).is_ok_and(|rows| rows == limit);
        let last = rows
            .last()
            .filter(|_| full)
            .map(|last| last.service_point_id.to_string());
        Ok(MembersReply {
            members: rows.into_iter().map(member).collect(),
            next_after: last.unwrap_or_default(),
        })
    }

    pub(super) async fn devices(&self, message: &ListDevicesRequest) -> Result<ListDevicesReply, Error> {
        let text = fold(&wire::text("text", &message.text, EXTERNAL_ID_CHARS_MAX)?);
        let held = self.holder.current().await?;
        // A cursor of another version still means "after this id".
        let filter = format!("devices\n{text}");
        let page = self.cursors.page(&filter, message.page.as_ref())?;
        let size =
            usize::try_from(page.size).map_err(|_| Invalid::new("page.size", "must be from 1 to 500"))?;
        let wanted = held.devices_after(page.after_text()).filter(|(id, device)| {
            let kind = held.grid.device_kind(*device);
            (kind.is_switching() || kind == DeviceKind::Transformer) && id.contains(&text)
        });
        let rows: Vec<_> = wanted.take(size).collect();
        let state = seat::state_now(self.db.pool(), &held).await?;
        let last = rows.last().map(|(id, _)| id.to_string());
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        let devices = rows
            .into_iter()
            .map(|(_, ix)| device(&held, &state, *ix))
            .collect();
        Ok(ListDevicesReply { devices, next_cursor })
    }
}

fn device(held: &Held, state: &State, ix: DeviceIx) -> Device {
    Device {
        device_id: held.grid.device_id(ix).to_owned(),
        kind: held.grid.device_kind(ix).as_str().to_owned(),
        position: held.grid.device_position(ix).map(|at| Point {
            lon: at.lon,
            lat: at.lat,
        }),
        closed: state.is_closed(&held.grid, ix),
    }
}

pub(super) fn member(row: affected_set::Listed) -> Member {
    Member {
        service_point_id: row.service_point_id.to_string(),
        customer_id: row.customer_id.to_string(),
        important: row.important,
        life_support: row.life_support,
        dedicated_line: row.dedicated_line,
        own_generation: row.own_generation,
        dual_supply: row.dual_supply,
        address_zh: row.address_zh,
        address_en: row.address_en,
        voltage_v: row.voltage_v.unwrap_or_default().unsigned_abs(),
    }
}
