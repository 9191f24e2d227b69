//! "If I open A and close B, who is off?" Nothing is changed by asking.

use relight_common::{Claims, Invalid};
use relight_proto::registry::v1::{Toll, WhatIfReply, WhatIfRequest};

use super::{Api, map};
use crate::{
    domain::question::DEVICES_MAX,
    error::Error,
    seat, sets,
    store::{affected_set, grid_state, service_point},
};

impl Api {
    pub(super) async fn what_if(
        &self,
        claims: &Claims,
        message: &WhatIfRequest,
    ) -> Result<WhatIfReply, Error> {
        if message.open.is_empty() && message.close.is_empty() {
            return Err(Invalid::new("open", "must name a device, or close must").into());
        }
        for (field, list) in [("open", &message.open), ("close", &message.close)] {
            if list.len() > DEVICES_MAX {
                return Err(Invalid::new(field, "must have at most 500 ids").into());
            }
        }
        let held = self.holder.current().await?;
        let open = sets::resolve(&held, "open", &message.open)?;
        let close = sets::resolve(&held, "close", &message.close)?;
        if let Some(both) = open.iter().find(|device| close.contains(device)) {
            let must = format!(
                "must not name {}, which is to be opened",
                held.grid.device_id(*both)
            );
            return Err(Invalid::new("close", must).into());
        }
        let before = seat::state_now(self.db.pool(), &held).await?;
        let mut after = before.clone();
        open.iter()
            .for_each(|&device| after.set(&held.grid, device, false));
        close
            .iter()
            .for_each(|&device| after.set(&held.grid, device, true));
        let difference = held.difference(&before, &after);
        let list = match message.list.as_str() {
            "" | "lost" => &difference.lost,
            "restored" => &difference.restored,
            "partly_dead" => &difference.partly_dead,
            _ => return Err(Invalid::new("list", "must be lost, restored or partly_dead").into()),
        };
        let filter = format!(
            "what_if:{}:{:?}:{:?}:{}",
            held.grid.version(),
            open,
            close,
            message.list
        );
        let page = self.cursors.page(&filter, message.page.as_ref())?;
        let org = claims.org_patterns(&super::switching::WONDER);
        let rows = service_point::among(self.db.pool(), list, &org, page.after_text(), page.size).await?;
        let last = rows.last().map(|row| crate::domain::fold(&row.external_id));
        let next_cursor = self.cursors.next(&filter, &page, rows.len(), last);
        Ok(WhatIfReply {
            grid_version: held.grid.version().to_string(),
            state_no: grid_state::number(self.db.pool(), held.grid.version())
                .await?
                .0
                .unsigned_abs(),
            lost: Some(self.toll(&difference.lost).await?),
            restored: Some(self.toll(&difference.restored).await?),
            partly_dead: Some(self.toll(&difference.partly_dead).await?),
            service_points: rows
                .into_iter()
                .map(map::service_point)
                .collect::<Result<_, _>>()?,
            next_cursor,
        })
    }

    async fn toll(&self, keys: &[String]) -> Result<Toll, Error> {
        let toll = affected_set::toll(self.db.pool(), keys).await?;
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Toll {
            service_points: count(toll.service_points),
            customers: count(toll.customers),
            important: count(toll.important),
            life_support: count(toll.life_support),
            own_generation: count(toll.own_generation),
        })
    }
}
