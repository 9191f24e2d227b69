//! Sets of more service points than one message holds: they come in parts.

use relight_common::{Claims, Invalid, error::refuse, wire};
use relight_proto::registry::v1::{AffectedSet, PointsOfSet, listed_sets_server::ListedSets};
use tonic::{Request, Response, Status, Streaming};

use super::{Api, map, only};
use crate::{
    domain::question::{LISTED_MAX, PARTS_MAX, Question},
    error::Error,
    sets,
};

impl Api {
    async fn create_listed(
        &self,
        claims: &Claims,
        mut parts: Streaming<PointsOfSet>,
    ) -> Result<AffectedSet, Status> {
        let (mut within, mut points, mut count) = (String::new(), Vec::new(), 0);
        while let Some(part) = parts.message().await? {
            count += 1;
            check(count, &part)
                .map_err(Error::from)
                .map_err(refuse("registry"))?;
            if count == 1 {
                within = part.within_set_id;
            }
            points.extend(part.service_point_external_ids);
        }
        let set = async {
            let question = Question::listed(&within, &points)?;
            let set = sets::create(&self.db, &self.holder, &question, claims, self.clock.now()).await?;
            map::affected_set(set)
        };
        set.await.map_err(refuse("registry"))
    }
}

fn check(count: usize, part: &PointsOfSet) -> Result<(), Invalid> {
    if count > PARTS_MAX {
        return Err(Invalid::new(
            "service_point_external_ids",
            format!("must come in at most {PARTS_MAX} parts"),
        ));
    }
    if part.service_point_external_ids.len() > LISTED_MAX {
        return Err(Invalid::new(
            "service_point_external_ids",
            format!("must have at most {LISTED_MAX} ids in one part"),
        ));
    }
    if count > 1 && !part.within_set_id.is_empty() {
        return Err(Invalid::new("within_set_id", "must be in the first part only"));
    }
    Ok(())
}

#[tonic::async_trait]
impl ListedSets for Api {
    async fn create(
        &self,
        request: Request<Streaming<PointsOfSet>>,
    ) -> Result<Response<AffectedSet>, Status> {
        let claims = wire::caller(&request)?;
        only(&claims, &["intake"])?;
        let set = self.create_listed(&claims, request.into_inner()).await?;
        Ok(Response::new(set))
    }
}
