//! Rows to messages.

use relight_proto::{
    common::v1::{AreaClass, Language, Point},
    registry::v1 as wire,
};

use crate::{
    error::Error,
    store::{affected_set::SetRow, contact::ContactRow, customer::CustomerRow, service_point::PointRow},
};

pub(super) fn language(word: &str) -> Result<i32, Error> {
    match word {
        "zh-CN" => Ok(Language::ZhCn.into()),
        "en" => Ok(Language::En.into()),
        _ => Err(Error::Stored("language")),
    }
}

fn area_class(word: &str) -> Result<i32, Error> {
    match word {
        "urban" => Ok(AreaClass::Urban.into()),
        "rural" => Ok(AreaClass::Rural.into()),
        "remote" => Ok(AreaClass::Remote.into()),
        _ => Err(Error::Stored("area class")),
    }
}

pub(super) fn service_point(row: PointRow) -> Result<wire::ServicePoint, Error> {
    Ok(wire::ServicePoint {
        service_point_id: row.id.to_string(),
        customer_id: row.customer_id.to_string(),
        account: row.account,
        external_id: row.external_id,
        bus: row.bus,
        transformer_id: row.transformer_id.unwrap_or_default(),
        position: Some(Point {
            lon: row.lon,
            lat: row.lat,
        }),
        area_class: area_class(&row.area_class)?,
        org_path: row.org_path,
        zone: row.zone,
        address_zh: row.address_zh,
        address_en: row.address_en,
        own_generation: row.own_generation,
        dual_supply: row.dual_supply,
        important: row.important,
        life_support: row.life_support,
        dedicated_line: row.dedicated_line,
        voltage_v: row.voltage_v.unwrap_or_default().unsigned_abs(),
    })
}

pub(super) fn customer(row: CustomerRow, points: Vec<wire::ServicePoint>) -> Result<wire::Customer, Error> {
    Ok(wire::Customer {
        customer_id: row.id.to_string(),
        account: row.account,
        name: row.name,
        language: language(&row.language)?,
        class: row.class,
        life_support: row.life_support,
        dedicated_line: row.dedicated_line,
        service_points: points,
        use_class: row.use_class.unwrap_or_default(),
        life_support_until: row
            .life_support_until
            .map(|day| day.to_string())
            .unwrap_or_default(),
    })
}

pub(super) fn contact(row: ContactRow, value: String) -> Result<wire::Contact, Error> {
    Ok(wire::Contact {
        contact_id: row.id.to_string(),
        customer_id: row.customer_id.to_string(),
        channel: row.channel,
        value,
        language: language(&row.language)?,
        role: row.role,
    })
}

pub(super) fn affected_set(row: SetRow) -> Result<wire::AffectedSet, Error> {
    let area_class = row.area_class.as_deref().map(area_class).transpose()?;
    let position = row.lon.zip(row.lat);
    Ok(wire::AffectedSet {
        set_id: row.id.to_string(),
        grid_version: row.grid_version.to_string(),
        count: row.count.unsigned_abs(),
        important: row.important.unsigned_abs(),
        life_support: row.life_support.unsigned_abs(),
        own_generation: row.own_generation.unsigned_abs(),
        position: position.map(|(lon, lat)| Point { lon, lat }),
        device_ids: row.device_ids,
        area_class: area_class.unwrap_or_default(),
        org_path: row.org_path,
        zone: row.zone,
        zones: row.zones,
        feeders: row.feeders,
    })
}
