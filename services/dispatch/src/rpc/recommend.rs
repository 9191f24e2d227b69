//! `Recommend`: who can be there first, and why not the others.

use chrono::{DateTime, Utc};
use relight_common::{Claims, wire::timestamp};
use relight_proto::dispatch::v1::{Candidate as WireCandidate, RecommendReply, RecommendRequest, Refusal};

use super::Api;
use crate::{
    desk,
    domain::{
        ids::OrderId,
        index::Index,
        recommend::{Candidate, DETOUR, LOAD_COST_S, Most, recommend, speed_mps},
    },
    error::Error,
};

const K_DEFAULT: usize = 5;

impl Api {
    pub(super) async fn recommendation(
        &self,
        claims: &Claims,
        request: RecommendRequest,
    ) -> Result<RecommendReply, Error> {
        let (id, now) = (OrderId::parse(&request.order_id)?, self.clock.now());
        let wanted = self.orders.get(id, now).await?;
        if !desk::may_decide(claims, &wanted.org_path, wanted.unit) {
            return Err(Error::Denied(
                "a dispatcher of that area or the desk of the order's unit asks for crews",
            ));
        }
        self.live.refresh(now).await?;
        let index = self.live.read();
        let found = recommend(&index, &wanted.job, most(&request), now);
        let shown = |list: &[Candidate]| {
            list.iter()
                .map(|candidate| shown(&index, candidate, now))
                .collect()
        };
        Ok(RecommendReply {
            candidates: shown(&found.candidates),
            refused: shown(&found.refused),
            detour: DETOUR,
            speed_kmh: speed_mps(wanted.job.area) * 3.6,
            order_cost_s: LOAD_COST_S,
        })
    }
}

/// Longer lists than there are come as long as they are.
fn most(request: &RecommendRequest) -> Most {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let candidates = match request.k {
        0 => K_DEFAULT,
        k => count(k),
    };
    let all = Most::candidates(candidates);
    Most {
        refused: request.refused.map_or(all.refused, count),
        ..all
    }
}

fn shown(index: &Index, candidate: &Candidate, now: DateTime<Utc>) -> WireCandidate {
    let known = index.known(candidate.crew);
    let refusals = candidate.broken.iter();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; never negative"
    )]
    let travel_s = candidate.way.map_or(0, |way| way.travel_s.ceil() as u32);
    WireCandidate {
        crew_id: candidate.crew.to_string(),
        name: known
            .and_then(|known| known.crew.as_ref())
            .map(|crew| crew.name.clone())
            .unwrap_or_default(),
        distance_m: candidate.way.map_or(0.0, |way| way.distance_m),
        travel_s,
        eta_at: candidate.eta_at(now).map(timestamp),
        cost: candidate.cost_s,
        refusals: refusals
            .map(|broken| Refusal {
                code: broken.code().to_owned(),
                because: broken.to_string(),
            })
            .collect(),
        orders_this_shift: candidate.load,
        position_at: known.and_then(|known| known.fix).map(|fix| timestamp(fix.at)),
    }
}
