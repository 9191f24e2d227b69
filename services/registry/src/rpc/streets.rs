//! Streets near places, for anybody.

use relight_common::{Invalid, wire};
use relight_proto::registry::v1::{StreetsReply, StreetsRequest, streets_reply::Streets};
use uuid::Uuid;

use super::Api;
use crate::{domain::street, error::Error, store::service_point};

const PLACES_MAX: usize = 50;
/// Addresses looked at around a place.
const AROUND: i64 = 20;
/// Farther away is another part of the town: 500 m, as a chord of the unit sphere.
const NEAR: f64 = 500.0 / 6_371_008.8;

impl Api {
    pub(super) async fn streets_near(&self, message: &StreetsRequest) -> Result<StreetsReply, Error> {
        if message.places.len() > PLACES_MAX {
            return Err(Invalid::new("places", "must have at most 50 entries").into());
        }
        let mut reply = StreetsReply::default();
        for place in &message.places {
            let place = wire::point("places", *place)?;
            reply.places.push(self.streets_of(place).await?);
        }
        Ok(reply)
    }

    async fn streets_of(&self, place: (f64, f64)) -> Result<Streets, Error> {
        let everywhere = ["%".to_owned()];
        let found = service_point::nearest(self.db.pool(), place, &everywhere, AROUND).await?;
        let near = found.into_iter().filter(|(_, chord)| *chord <= NEAR);
        let ids: Vec<Uuid> = near.map(|(id, _)| id).collect();
        let rows = service_point::by_ids(self.db.pool(), &ids).await?;
        Ok(Streets {
            zh: street::shared(rows.iter().filter_map(|row| street::zh(&row.address_zh))),
            en: street::shared(rows.iter().filter_map(|row| street::en(&row.address_en))),
        })
    }
}
