//! What other services are asked, before any transaction: who loses supply (registry), how often customers were off this
//! year (insight).

mod important;
mod otherwise;
mod supplies;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use relight_common::{
    Clock, Error as Common, Invalid,
    grpc::{Outgoing, Peers},
    wire,
};
use relight_proto::{
    insight::v1::{
        OutageRestRequest, PlannedTotalsRequest, insight_client::InsightClient,
        outage_rest_client::OutageRestClient,
    },
    registry::v1::{
        AffectedSet, CreateAffectedSetRequest, GetCustomerRequest, Member, MembersRequest,
        SealedNumberRequest, ServicePoint, SuppliesNowRequest,
        customer_numbers_client::CustomerNumbersClient, customer_supplies_client::CustomerSuppliesClient,
        get_customer_request, registry_client::RegistryClient,
    },
};
use uuid::Uuid;

use crate::{
    desk::reliability::Looked,
    domain::{
        area::{Tongue, area},
        call::SealedNumber,
        times::Times,
        window::Window,
    },
    error::Error,
    store::{
        outage::{Live, Place},
        people::Affected,
    },
};

/// Members in one page, customers in one question.
const PAGE: usize = 5_000;

/// The network's part of a plan.
#[derive(Debug, Clone)]
pub struct Found {
    /// What opens, who is affected.
    pub place: Place,
    /// Everybody affected, each once.
    pub affected: Vec<Affected>,
    /// Area made from the addresses, Chinese.
    pub area_zh: String,
    /// And English.
    pub area_en: String,
}

/// An outage as it is compared with the limits of a year.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Which.
    pub outage: Uuid,
    /// When.
    pub window: Window,
    /// Outages that are one plan with it (domain.md 5.5 no. 27).
    pub same_plan: Vec<Uuid>,
}

/// Asks the other services.
#[derive(Debug, Clone)]
pub struct Others {
    registry: RegistryClient<Outgoing>,
    numbers: CustomerNumbersClient<Outgoing>,
    supplies: CustomerSuppliesClient<Outgoing>,
    insight: InsightClient<Outgoing>,
    rest: OutageRestClient<Outgoing>,
    clock: Clock,
}

impl Others {
    /// Asks over these channels; who lives somewhere is asked for the moment of asking.
    pub fn new(peers: &Peers, clock: Clock) -> Self {
        Self {
            clock,
            registry: RegistryClient::new(peers.patient("registry")),
            numbers: CustomerNumbersClient::new(peers.patient("registry")),
            supplies: CustomerSuppliesClient::new(peers.patient("registry")),
            insight: InsightClient::new(peers.patient("insight")),
            rest: OutageRestClient::new(peers.to("insight")),
        }
    }

    /// A number of `customer`, sealed, as the proof of a call.
    ///
    /// # Errors
    /// [`Error::Common`], with the field when it is no number of theirs.
    pub async fn number(&self, customer: Uuid, contact: Uuid) -> Result<SealedNumber, Error> {
        let request = SealedNumberRequest {
            customer_id: customer.to_string(),
            contact_id: contact.to_string(),
        };
        match self.numbers.clone().sealed(request).await {
            Ok(reply) => {
                let reply = reply.into_inner();
                Ok(SealedNumber {
                    bytes: reply.sealed,
                    key: reply.seal_key,
                })
            }
            Err(status) if status.code() == tonic::Code::NotFound => {
                Err(Invalid::new("call.contact_id", "must be a telephone number of this customer").into())
            }
            Err(status) => Err(Common::peer("the registry")(status).into()),
        }
    }

    /// Who loses supply when these devices open, on the current version of the network.
    ///
    /// # Errors
    /// [`Error::Common`] with the field when a device is not in the network, [`Error::NobodyAffected`].
    pub async fn find(&self, device_ids: &[String]) -> Result<Found, Error> {
        let set = self.set(device_ids, "").await?;
        if set.count == 0 {
            return Err(Error::NobodyAffected);
        }
        let members = self.members(&set.set_id).await?;
        let kept = self.several(&set.set_id, &members).await?;
        let mut found = found(set, &members)?;
        for one in &mut found.affected {
            one.several_supplies |= kept.contains_key(&one.customer);
        }
        Ok(found)
    }

    /// Who is below these devices, which are off already: also nobody.
    ///
    /// # Errors
    /// [`Error::Common`] with the field when a device is not in the network.
    pub async fn below(&self, device_ids: &[String]) -> Result<Found, Error> {
        let set = self.set(device_ids, "").await?;
        let members = self.members(&set.set_id).await?;
        found(set, &members)
    }

    /// Important customers of a set who keep other supplies while it is off, and how many.
    async fn several(&self, set: &str, members: &[Member]) -> Result<BTreeMap<Uuid, usize>, Error> {
        let request = SuppliesNowRequest {
            set_ids: vec![set.to_owned()],
            customer_ids: Vec::new(),
        };
        let reply = self.supplies.clone().now(request).await;
        let reply = reply.map_err(Common::peer("the registry"))?.into_inner();
        let off: BTreeSet<&str> = members.iter().map(|one| one.service_point_id.as_str()).collect();
        let kept = reply.customers.iter().map(|one| (one, supplies::kept(one, &off)));
        kept.filter(|(_, kept)| *kept > 0)
            .map(|(one, kept)| Ok((wire::uuid("customer_id", &one.customer_id)?, kept)))
            .collect()
    }

    /// The supply points of a customer; none when there is no such customer.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn points(&self, customer: Uuid) -> Result<Vec<ServicePoint>, Error> {
        let request = GetCustomerRequest {
            by: Some(get_customer_request::By::CustomerId(customer.to_string())),
        };
        match self.registry.clone().get_customer(request).await {
            Ok(found) => Ok(found.into_inner().service_points),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(Vec::new()),
            Err(status) => Err(Common::peer("the registry")(status).into()),
        }
    }

    /// How important customers of these sets, and `customers`, are supplied now; those with one supply are left out.
    ///
    /// # Errors
    /// [`Error::Common`], [`Error::Peer`].
    pub async fn supplies(&self, sets: &[String], customers: &[Uuid]) -> Result<Vec<Looked>, Error> {
        let request = SuppliesNowRequest {
            set_ids: sets.to_vec(),
            customer_ids: customers.iter().map(Uuid::to_string).collect(),
        };
        let reply = self.supplies.clone().now(request).await;
        let reply = reply.map_err(Common::peer("the registry"))?.into_inner();
        reply.customers.iter().map(supplies::looked).collect()
    }

    /// What `customer` is to an affected set by their supply points; none when no point is in it. A set keeps the points it
    /// was made of in order, so each point is one look; who lives there now, the customer says.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn stands(
        &self,
        set: Uuid,
        customer: Uuid,
        points: &[ServicePoint],
    ) -> Result<Option<Affected>, Error> {
        let mut found = Vec::new();
        for point in points {
            let id = wire::uuid("service_point_id", &point.service_point_id)?;
            let request = MembersRequest {
                set_id: set.to_string(),
                after: Uuid::from_u128(id.as_u128().saturating_sub(1)).to_string(),
                limit: 1,
                ..MembersRequest::default()
            };
            let reply = self.registry.clone().members(request).await;
            let page = reply.map_err(Common::peer("the registry"))?.into_inner();
            let is_in = page
                .members
                .first()
                .is_some_and(|member| member.service_point_id == point.service_point_id);
            if is_in {
                found.push(Member {
                    service_point_id: point.service_point_id.clone(),
                    customer_id: customer.to_string(),
                    important: point.important,
                    life_support: point.life_support,
                    dedicated_line: point.dedicated_line,
                    own_generation: point.own_generation,
                    dual_supply: point.dual_supply,
                    voltage_v: point.voltage_v,
                    ..Member::default()
                });
            }
        }
        let elsewhere = found.len() < points.len();
        Ok(customers(&found)?.into_iter().next().map(|one| Affected {
            several_supplies: one.several_supplies || (one.important && elsewhere),
            ..one
        }))
    }

    /// How many customers the network would add to and release from an outage: (added, released). A device that is not
    /// there any more releases everybody.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn differs(&self, one: &Live, known: &[Uuid]) -> Result<(u32, u32), Error> {
        let now = match self.set(&one.device_ids, "").await {
            Ok(set) if set.set_id == one.set.to_string() => return Ok((0, 0)),
            Ok(set) if set.count == 0 => Vec::new(),
            Ok(set) => customers(&self.members(&set.set_id).await?)?,
            Err(Error::Common(Common::Invalid(_))) => Vec::new(),
            Err(other) => return Err(other),
        };
        let now: BTreeSet<Uuid> = now.iter().map(|one| one.customer).collect();
        let known: BTreeSet<Uuid> = known.iter().copied().collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok((
            count(now.difference(&known).count()),
            count(known.difference(&now).count()),
        ))
    }

    /// The part of `within` below these devices, and how many service points it has.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn section(&self, device_ids: &[String], within: Uuid) -> Result<(Uuid, u32), Error> {
        let set = self.set(device_ids, &within.to_string()).await?;
        if set.count == 0 {
            return Err(Error::NobodyAffected);
        }
        Ok((wire::uuid("set_id", &set.set_id)?, set.count))
    }

    async fn set(&self, device_ids: &[String], within: &str) -> Result<AffectedSet, Error> {
        let request = CreateAffectedSetRequest {
            device_ids: device_ids.to_vec(),
            within_set_id: within.to_owned(),
            ..CreateAffectedSetRequest::default()
        };
        let reply = self.registry.clone().create_affected_set(request).await;
        Ok(reply.map_err(asked("the registry"))?.into_inner())
    }

    /// Whoever has the service points of a set now; the set itself may have been made long before.
    async fn members(&self, set: &str) -> Result<Vec<Member>, Error> {
        let now = self.clock.now();
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let request = MembersRequest {
                set_id: set.to_owned(),
                after,
                limit: u32::try_from(PAGE).unwrap_or(u32::MAX),
                at: Some(wire::timestamp(now)),
                ..MembersRequest::default()
            };
            let reply = self.registry.clone().members(request).await;
            let page = reply.map_err(Common::peer("the registry"))?.into_inner();
            all.extend(page.members);
            if page.next_after.is_empty() {
                return Ok(all);
            }
            after = page.next_after;
        }
    }

    /// How many of `customers` are above the limits of the year with this outage: (count, hours). How often they may be
    /// off depends on the voltage each is supplied at.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn above(
        &self,
        customers: &[(Uuid, Option<i32>)],
        planned: &Planned,
        zone: Tz,
        times: &Times,
    ) -> Result<(u32, u32), Error> {
        let (mut count, mut hours) = (0, 0);
        for (limit, customers) in times.groups(customers) {
            let (more, longer) = self
                .above_limit(&customers, planned, zone, (limit, times.long))
                .await?;
            count += more;
            hours += longer;
        }
        Ok((count, hours))
    }

    /// How many customers are off because of `outage` and in no fault that would go on without it.
    ///
    /// # Errors
    /// [`Error::Common`].
    pub async fn without_fault(&self, outage: Uuid) -> Result<u32, Error> {
        let request = OutageRestRequest {
            outage_id: outage.to_string(),
        };
        let reply = self.rest.clone().of(request).await;
        Ok(reply
            .map_err(Common::peer("the ledger"))?
            .into_inner()
            .without_fault)
    }

    /// How often and how long in a year the pack allows it; none where it sets no limit.
    async fn above_limit(
        &self,
        customers: &[Uuid],
        planned: &Planned,
        zone: Tz,
        (times, long): (Option<u16>, Option<TimeDelta>),
    ) -> Result<(u32, u32), Error> {
        let (since, until) = year(planned.window.off_at, zone);
        let (mut count, mut hours) = (0, 0);
        for page in customers.chunks(PAGE) {
            let request = PlannedTotalsRequest {
                customer_ids: page.iter().map(Uuid::to_string).collect(),
                since: Some(wire::timestamp(since)),
                until: Some(wire::timestamp(until)),
                plus_s: planned.window.length().num_seconds(),
                more_than: times.map_or(u32::MAX, u32::from),
                more_than_s: long.map_or(i64::MAX, |long| long.num_seconds()),
                // What the ledger has of this outage is in the window already.
                except_outage_id: planned.outage.to_string(),
                same_plan_outage_ids: planned.same_plan.iter().map(Uuid::to_string).collect(),
            };
            let reply = self.insight.clone().planned_totals(request).await;
            let reply = reply.map_err(Common::peer("the ledger"))?.into_inner();
            count += reply.above_count;
            hours += reply.above_hours;
        }
        Ok((count, hours))
    }
}

/// A set as a plan has it.
fn found(set: AffectedSet, members: &[Member]) -> Result<Found, Error> {
    let addresses = |of: fn(&Member) -> &str, tongue| area(members.iter().map(of), tongue);
    let area_zh = addresses(|member| &member.address_zh, Tongue::Zh);
    let area_en = addresses(|member| &member.address_en, Tongue::En);
    Ok(Found {
        affected: customers(members)?,
        place: Place {
            device_ids: set.device_ids,
            set: wire::uuid("set_id", &set.set_id)?,
            grid_version: set.grid_version,
            count: i32::try_from(set.count).unwrap_or(i32::MAX),
            org_path: set.org_path,
            zone: set.zone,
            zones: set.zones,
            feeders: set.feeders,
            position: set.position.map(|at| (at.lon, at.lat)),
            area_made: area_zh.clone(),
        },
        area_zh,
        area_en,
    })
}

/// A device that is not in the network is the caller's mistake and is said as the registry says it.
fn asked(service: &'static str) -> impl FnOnce(tonic::Status) -> Error {
    move |status| match status.code() {
        tonic::Code::InvalidArgument => {
            let said = status.message();
            let must = said.split_once(": ").map_or(said, |(_, must)| must);
            Invalid::new("device_ids", must.to_owned()).into()
        }
        _ => Common::peer(service)(status).into(),
    }
}

/// The year of `at` on the calendar of the place.
fn year(at: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let year = at.with_timezone(&zone).year();
    (first_of(year, zone), first_of(year + 1, zone))
}

fn first_of(year: i32, zone: Tz) -> DateTime<Utc> {
    let midnight = NaiveDate::from_ymd_opt(year, 1, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .expect("every year within the calendar has a first of January");
    // A place that skips midnight on that day begins its year at the same instant in UTC, an hour off at most.
    midnight
        .and_local_timezone(zone)
        .earliest()
        .map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// Customers, each once: of several supply points the strictest counts.
fn customers(members: &[Member]) -> Result<Vec<Affected>, Error> {
    let mut all: BTreeMap<Uuid, Affected> = BTreeMap::new();
    // Service points without a customer (not yet let) have nobody to tell.
    for member in members.iter().filter(|member| !member.customer_id.is_empty()) {
        let customer = member
            .customer_id
            .parse()
            .map_err(|_| Error::Peer("the registry", "a customer id that is no UUID"))?;
        let one = all.entry(customer).or_insert(Affected {
            customer,
            important: false,
            life_support: false,
            dedicated_line: false,
            own_generation: false,
            voltage_v: None,
            several_supplies: false,
        });
        one.important |= member.important;
        one.life_support |= member.life_support;
        one.dedicated_line |= member.dedicated_line;
        one.own_generation |= member.own_generation;
        one.several_supplies |= member.dual_supply;
        let volts = i32::try_from(member.voltage_v).ok().filter(|volts| *volts > 0);
        one.voltage_v = one.voltage_v.max(volts);
    }
    Ok(all.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_one_of_the_place() {
        let at: DateTime<Utc> = "2026-12-31T17:00:00Z".parse().unwrap();
        let (since, until) = year(at, chrono_tz::Asia::Shanghai);
        assert_eq!(since.to_rfc3339(), "2026-12-31T16:00:00+00:00");
        assert_eq!(until.to_rfc3339(), "2027-12-31T16:00:00+00:00");
    }

    #[test]
    fn of_several_supply_points_the_strictest_counts() {
        let customer = Uuid::from_u128(1).to_string();
        let point = |important, own_generation| Member {
            customer_id: customer.clone(),
            important,
            own_generation,
            voltage_v: if important { 35_000 } else { 10_000 },
            ..Member::default()
        };
        let all = customers(&[point(false, true), point(true, false), Member::default()]).unwrap();
        assert_eq!(all.len(), 1);
        assert!(all[0].important && all[0].own_generation && !all[0].life_support);
        assert!(!all[0].several_supplies, "a solar panel is no second supply");
        assert_eq!(
            all[0].voltage_v,
            Some(35_000),
            "the higher voltage has the stricter limit"
        );
    }
}
