//! Units and crews on the wire.

use relight_common::{
    Begun, Claims, Invalid, Role,
    cursor::Page,
    wire::{self, text, text_required, timestamp},
};
use relight_proto::{
    common::v1::Point,
    dispatch::v1::{
        Crew as WireCrew, ListCrewsReply, ListCrewsRequest, ListUnitsReply, ListUnitsRequest,
        Member as WireMember, PutCrewRequest, PutUnitRequest, Qualification, Unit as WireUnit,
    },
};
use uuid::Uuid;

use super::Api;
use crate::{
    desk::{self, crews},
    domain::ids::{CrewId, UnitId},
    error::Error,
    store::{
        crew::{self, Crew, Listed, Member},
        unit::{self, Unit},
    },
};

const NAME_MAX: usize = 100;
const PATH_MAX: usize = 200;
const LIST_MAX: usize = 100;
/// Letters of the shortest name of a person that is looked for: 刘洋.
const PERSON_MIN: usize = 2;

impl Api {
    pub(super) async fn unit_put(&self, claims: &Claims, request: PutUnitRequest) -> Result<WireUnit, Error> {
        let unit = read_unit(request.unit.as_ref())?;
        let mut work = match self.begin(&request.command_id, claims, &request).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let before = unit::get(work.conn(), unit.id).await?;
        administers(
            claims,
            [
                Some(unit.org_path.as_str()),
                before.as_ref().map(|before| before.org_path.as_str()),
            ],
        )?;
        crews::put_unit(&mut work, &unit).await?;
        Ok(work.commit(show_unit(&unit)).await?)
    }

    pub(super) async fn crew_put(&self, claims: &Claims, request: PutCrewRequest) -> Result<WireCrew, Error> {
        let crew = read_crew(request.crew.as_ref())?;
        let mut work = match self.begin(&request.command_id, claims, &request).await? {
            Begun::Before(reply) => return Ok(reply),
            Begun::New(work) => work,
        };
        let now = work.at();
        let before = crew::load(work.conn(), &[crew.id.uuid()], now).await?;
        let was = before.first().map(|before| before.crew.org_path.as_str());
        administers(claims, [Some(crew.org_path.as_str()), was])?;
        crews::put_crew(&mut work, &crew).await?;
        let stored = crew::load(work.conn(), &[crew.id.uuid()], now).await?;
        let stored = stored.into_iter().next().ok_or(Error::NoSuchCrew(crew.id))?;
        let reply = work.commit(self.show_crew(&stored, true)).await?;
        self.live.changed();
        Ok(reply)
    }

    pub(super) async fn page_of_units(
        &self,
        claims: &Claims,
        request: ListUnitsRequest,
    ) -> Result<ListUnitsReply, Error> {
        let page: Page<(String, Uuid)> = self.cursors.page("units", request.page.as_ref())?;
        let (name, id) = page.after.clone().unwrap_or_default();
        let units = unit::list(self.db.pool(), &desk::scope(claims), (&name, id), page.size).await?;
        let last = units.last().map(|last| (last.name.clone(), last.id.uuid()));
        Ok(ListUnitsReply {
            next_cursor: self.cursors.next("units", &page, units.len(), last),
            units: units.iter().map(show_unit).collect(),
        })
    }

    pub(super) async fn page_of_crews(
        &self,
        claims: &Claims,
        request: ListCrewsRequest,
    ) -> Result<ListCrewsReply, Error> {
        let unit = wire::uuid_opt("unit_id", &request.unit_id)?;
        let words = format!("crews {unit:?}");
        let page: Page<(String, Uuid)> = self.cursors.page(&words, request.page.as_ref())?;
        let (name, id) = page.after.clone().unwrap_or_default();
        let ids = crew::page(self.db.pool(), &desk::scope(claims), unit, (&name, id), page.size).await?;
        let ids: Vec<Uuid> = ids.into_iter().map(CrewId::uuid).collect();
        let crews = crew::load(&mut *self.conn().await?, &ids, self.clock.now()).await?;
        let last = crews
            .last()
            .map(|last| (last.crew.name.clone(), last.crew.id.uuid()));
        let shown = crews.iter().filter_map(|listed| {
            desk::may_see_crew(claims, &listed.crew).map(|with_phone| self.show_crew(listed, with_phone))
        });
        Ok(ListCrewsReply {
            next_cursor: self.cursors.next(&words, &page, crews.len(), last),
            crews: shown.collect(),
        })
    }

    fn show_crew(&self, listed: &Listed, with_phone: bool) -> WireCrew {
        let crew = &listed.crew;
        let fix = self.live.read().known(crew.id).and_then(|known| known.fix);
        let (order, state) = listed.active.clone().unzip();
        WireCrew {
            crew_id: crew.id.to_string(),
            name: crew.name.clone(),
            unit_id: crew.unit.to_string(),
            org_path: crew.org_path.clone(),
            skills: crew.skills.clone(),
            members: crew.members.iter().map(show_member).collect(),
            shift_start_at: crew.shift.map(|(start, _)| timestamp(start)),
            shift_end_at: crew.shift.map(|(_, end)| timestamp(end)),
            position: fix.map(|fix| Point {
                lon: fix.place.lon,
                lat: fix.place.lat,
            }),
            position_at: fix.map(|fix| timestamp(fix.at)),
            heading_deg: fix.map_or(0.0, |fix| fix.heading_deg),
            active_order_id: order.map(|order| order.to_string()).unwrap_or_default(),
            order_state: state.unwrap_or_default(),
            phone: if with_phone {
                crew.phone.clone()
            } else {
                String::new()
            },
        }
    }
}

/// An admin of where it is and of where it was.
fn administers(claims: &Claims, paths: [Option<&str>; 2]) -> Result<(), Error> {
    if paths
        .into_iter()
        .flatten()
        .all(|path| claims.has_at(&[Role::Admin], path))
    {
        Ok(())
    } else {
        Err(Error::Denied("this needs the role admin for that area"))
    }
}

fn read_unit(unit: Option<&WireUnit>) -> Result<Unit, Invalid> {
    let unit = unit.ok_or_else(|| Invalid::new("unit", "must be given"))?;
    Ok(Unit {
        id: UnitId::parse(&unit.unit_id)?,
        name: text_required("name", &unit.name, NAME_MAX)?,
        org_path: text_required("org_path", &unit.org_path, PATH_MAX)?,
        area_org_paths: list("area_org_paths", &unit.area_org_paths, |path| {
            text_required("area_org_paths", path, PATH_MAX)
        })?,
    })
}

fn read_crew(crew: Option<&WireCrew>) -> Result<Crew, Invalid> {
    let crew = crew.ok_or_else(|| Invalid::new("crew", "must be given"))?;
    let shift = (
        wire::instant_opt("shift_start_at", crew.shift_start_at)?,
        wire::instant_opt("shift_end_at", crew.shift_end_at)?,
    );
    let shift = match shift {
        (Some(start), Some(end)) => Some((start, end)),
        (None, None) => None,
        _ => {
            return Err(Invalid::new(
                "shift_end_at",
                "must be given together with shift_start_at",
            ));
        }
    };
    let name = text_required("name", &crew.name, NAME_MAX)?;
    let members = list("members", &crew.members, read_member)?;
    names_nobody(&name, &members)?;
    Ok(Crew {
        id: CrewId::parse(&crew.crew_id)?,
        name,
        unit: UnitId::parse(&crew.unit_id)?,
        org_path: text_required("org_path", &crew.org_path, PATH_MAX)?,
        skills: list("skills", &crew.skills, |skill| {
            text_required("skills", skill, NAME_MAX)
        })?,
        members,
        shift,
        phone: text("phone", &crew.phone, 32)?,
    })
}

/// Events, boards and logs show the name of a crew; the names of people stay in the crew.
fn names_nobody(name: &str, members: &[Member]) -> Result<(), Invalid> {
    let name = name.to_lowercase();
    let named = |member: &&Member| {
        let person = member.name.trim().to_lowercase();
        person.chars().count() >= PERSON_MIN && name.contains(&person)
    };
    match members.iter().find(named) {
        None => Ok(()),
        Some(_) => Err(Invalid::new(
            "name",
            "must not have the name of a member in it; a place and a number do",
        )),
    }
}

fn read_member(member: &WireMember) -> Result<Member, Invalid> {
    Ok(Member {
        person_id: text_required("members.person_id", &member.person_id, NAME_MAX)?,
        name: text_required("members.name", &member.name, NAME_MAX)?,
        leader: member.leader,
        qualifications: list("members.qualifications", &member.qualifications, |held| {
            let skill = text_required("members.qualifications.skill", &held.skill, NAME_MAX)?;
            Ok((
                skill,
                wire::instant("members.qualifications.valid_until", held.valid_until)?,
            ))
        })?,
    })
}

fn list<W, T>(
    field: &'static str,
    items: &[W],
    read: impl Fn(&W) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    if items.len() > LIST_MAX {
        return Err(Invalid::new(field, "must have at most 100 entries"));
    }
    items.iter().map(read).collect()
}

fn show_unit(unit: &Unit) -> WireUnit {
    WireUnit {
        unit_id: unit.id.to_string(),
        name: unit.name.clone(),
        org_path: unit.org_path.clone(),
        area_org_paths: unit.area_org_paths.clone(),
    }
}

fn show_member(member: &Member) -> WireMember {
    let held = member.qualifications.iter();
    WireMember {
        person_id: member.person_id.clone(),
        name: member.name.clone(),
        leader: member.leader,
        qualifications: held
            .map(|(skill, until)| Qualification {
                skill: skill.clone(),
                valid_until: Some(timestamp(*until)),
            })
            .collect(),
    }
}
