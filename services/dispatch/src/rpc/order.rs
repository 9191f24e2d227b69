//! Orders as the contract shows them, one by one, in pages, and for a crew's phone.

use relight_common::{
    Claims, Invalid,
    wire::{self, timestamp},
};
use relight_policy::AreaClass;
use relight_proto::{
    common::v1::{self as common, Point},
    dispatch::v1::{
        Clock as WireClock, CrewChangesReply, CrewChangesRequest, GetOrderRequest, Gone, ListOrdersReply,
        ListOrdersRequest, Order, StepRecord, get_order_request::By,
    },
};
use uuid::Uuid;

use super::Api;
use crate::{
    desk,
    domain::{
        ids::{CrewId, IncidentId, OrderId},
        order::{Kind, State},
    },
    error::Error,
    store::{
        clock::Clock,
        feed,
        list::{self, Filter, Place},
        order::{self, About},
        view::{self, View},
    },
};

const FEED_MAX: i64 = 200;

impl Api {
    pub(super) async fn one_order(&self, claims: &Claims, request: GetOrderRequest) -> Result<Order, Error> {
        let mut conn = self.conn().await?;
        let (id, asked) = match request.by {
            Some(By::OrderId(id)) => (Some(OrderId::parse(&id)?), id),
            Some(By::IncidentId(id)) => (
                Some(OrderId::of_incident(IncidentId::parse(&id)?)),
                format!("of incident {id}"),
            ),
            Some(By::Number(number)) => {
                let number = wire::text_required("number", &number, 40)?;
                (order::by_number(&mut conn, &number).await?, number)
            }
            None => return Err(Invalid::new("by", "must be order_id, number or incident_id").into()),
        };
        let views = match id {
            Some(id) => view::load(&mut conn, &[id.uuid()]).await?,
            None => Vec::new(),
        };
        let view = views.into_iter().next().ok_or(Error::NoSuchOrder(asked))?;
        if desk::may_see(claims, &view.order) {
            Ok(shown(&view))
        } else {
            Err(Error::Denied("the order belongs to another area, unit or crew"))
        }
    }

    pub(super) async fn page_of_orders(
        &self,
        claims: &Claims,
        request: ListOrdersRequest,
    ) -> Result<ListOrdersReply, Error> {
        let filter = Filter {
            over: request.archived,
            unit: wire::uuid_opt("unit_id", &request.unit_id)?,
            crew: wire::uuid_opt("crew_id", &request.crew_id)?,
        };
        let words = format!("orders {filter:?}");
        let page = self.cursors.page(&words, request.page.as_ref())?;
        let after = page.after.map(|(key, id)| Place { key, id });
        let scope = desk::scope(claims);
        let places = list::page(self.db.pool(), &scope, &filter, after, page.size).await?;
        let ids: Vec<Uuid> = places.iter().map(|place| place.id).collect();
        let views = view::load(&mut *self.conn().await?, &ids).await?;
        let last = places.last().map(|last| (last.key, last.id));
        Ok(ListOrdersReply {
            orders: views.iter().map(shown).collect(),
            next_cursor: self.cursors.next(&words, &page, places.len(), last),
        })
    }

    /// What changed for a crew since its cursor; an empty one gives everything it has.
    pub(super) async fn changes_of_crew(
        &self,
        claims: &Claims,
        request: CrewChangesRequest,
    ) -> Result<CrewChangesReply, Error> {
        let crew = CrewId::parse(&request.crew_id)?;
        let own = claims.has(&[relight_common::Role::Crew]) && claims.crew_id == Some(crew.uuid());
        if !own && !claims.has(&[relight_common::Role::Service]) {
            return Err(Error::Denied("a crew's changes are for its own phone"));
        }
        let words = format!("changes {crew}");
        let n = match request.cursor.as_str() {
            "" => 0,
            cursor => self
                .cursors
                .open::<(i64, Uuid)>(&words, cursor)
                .map(|(n, _)| n)
                .ok_or_else(|| Invalid::new("cursor", "must be the cursor of the last sync, or empty"))?,
        };
        let mut conn = self.conn().await?;
        let (entries, reached) = feed::after(&mut conn, crew, n, FEED_MAX).await?;
        let (lost, kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.gone);
        let ids = |entries: &[feed::Entry]| entries.iter().map(|entry| entry.order_id).collect::<Vec<Uuid>>();
        let views = view::load(&mut conn, &ids(&kept)).await?;
        // A phone that asks for everything had nothing to lose.
        let lost = if n > 0 { ids(&lost) } else { Vec::new() };
        let gone_orders: Vec<Gone> = view::load(&mut conn, &lost).await?.iter().map(gone).collect();
        Ok(CrewChangesReply {
            orders: views.iter().map(shown).collect(),
            gone: gone_orders.iter().map(|gone| gone.order_id.clone()).collect(),
            cursor: self.cursors.seal(&words, &(reached, crew.uuid())),
            gone_orders,
        })
    }
}

/// An order on the wire.
pub(super) fn shown(view: &View) -> Order {
    let order = &view.order;
    Order {
        order_id: order.id.to_string(),
        number: order.number.clone(),
        incident_id: order.incident.map(|id| id.to_string()).unwrap_or_default(),
        state: order.state.word().to_owned(),
        version: order.version.unsigned_abs(),
        unit_id: order
            .state
            .unit()
            .map(|unit| unit.to_string())
            .unwrap_or_default(),
        crew_id: order
            .state
            .team()
            .map(|team| team.crew.to_string())
            .unwrap_or_default(),
        crew_name: view.crew_name.clone(),
        accepted_at: Some(timestamp(order.accepted_at)),
        area_class: area(order.area).into(),
        priority: order.priority().to_owned(),
        affected_count: order.affected_count,
        restored_count: order.restored_count.unsigned_abs(),
        device_id: order.device_id.clone(),
        confirmed: order.confirmed,
        position: order.place.map(|place| Point {
            lon: place.lon,
            lat: place.lat,
        }),
        org_path: order.org_path.clone(),
        clocks: view.clocks.iter().map(clock).collect(),
        etr_at: order.etr.map(|etr| timestamp(etr.at)),
        cause_code: order.cause_code.clone(),
        returns: order.returns.unsigned_abs(),
        urge_count: order.urge_count,
        danger: order.danger,
        life_support: order.life_support,
        affected_set_id: order.affected_set_id.clone(),
        steps: view.steps.iter().map(step).collect(),
        unit_name: view.unit_name.clone(),
        important: order.important,
        zone: order.zone.clone(),
        reopens: order.reopens.unsigned_abs(),
        merged_into: match order.state {
            State::Merged { into } => into.to_string(),
            _ => String::new(),
        },
        eta_at: match order.state {
            State::EnRoute { eta_at, .. } => eta_at.map(timestamp),
            _ => None,
        },
        incident_number: order.incident_number.clone(),
        kind: order.kind.word().to_owned(),
        warning: order.warning().to_owned(),
        withdrawn_because: order.withdrawn_because().to_owned(),
        ..about(order.about.as_ref())
    }
}

/// The part only an order that is no fault has.
fn about(about: Option<&About>) -> Order {
    let Some(about) = about else {
        return Order::default();
    };
    let errand = &about.errand;
    let due_at = Some(timestamp(errand.due_at));
    let (off_at, reconnect_by) = match errand.kind {
        Kind::Reconnect => (None, due_at),
        Kind::Planned | Kind::Disconnect | Kind::Fault => (due_at, None),
    };
    Order {
        subject_id: about.subject.to_string(),
        subject_number: about.number.clone(),
        off_at,
        on_at: errand.on_at.map(timestamp),
        reconnect_by,
        line: about.line.clone(),
        ..Order::default()
    }
}

/// Why a crew no longer has an order.
fn gone(view: &View) -> Gone {
    let order = &view.order;
    Gone {
        order_id: order.id.to_string(),
        number: order.number.clone(),
        kind: order.kind.word().to_owned(),
        state: order.state.word().to_owned(),
        because: order.withdrawn_because().to_owned(),
        warning: order.warning().to_owned(),
    }
}

fn clock(clock: &Clock) -> WireClock {
    WireClock {
        name: clock.name.word().to_owned(),
        started_at: Some(timestamp(clock.times.started_at)),
        due_at: Some(timestamp(clock.times.due_at)),
        level: clock.level.word().to_owned(),
        acknowledged_by: clock.acknowledged_by.clone().unwrap_or_default(),
        stopped_at: clock.stopped_at.map(timestamp),
        rule: clock.times.rule.clone(),
        escalation: u32::from(clock.escalation.unsigned_abs()),
    }
}

fn step(step: &crate::store::step::Step) -> StepRecord {
    StepRecord {
        step: step.step.clone(),
        at: Some(timestamp(step.at)),
        actor: step.actor.clone(),
        note: step.note.clone(),
        skewed: step.skewed,
        on_behalf: step.on_behalf,
        photo_sha256: step.photo_sha256.clone().unwrap_or_default(),
    }
}

fn area(area: AreaClass) -> common::AreaClass {
    match area {
        AreaClass::Urban => common::AreaClass::Urban,
        AreaClass::Rural => common::AreaClass::Rural,
        AreaClass::Remote => common::AreaClass::Remote,
    }
}
