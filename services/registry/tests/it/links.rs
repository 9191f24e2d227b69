//! Where somebody hangs: corrected links that affected sets follow, and the supply nearest to a place.

use relight_common::{Claims, Role};
use relight_grid::{Position, pack::ServicePoint};
use relight_proto::{
    common::v1::Point,
    registry::v1::{
        CorrectLinkRequest, LinkCorrection, ListLinkCorrectionsRequest, NearestReply, NearestRequest,
        StreetsRequest, links_server::Links as _,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{self, Registry},
    then,
};

fn wish(point: &str, transformer: &str, bus: &str) -> CorrectLinkRequest {
    CorrectLinkRequest {
        command_id: Uuid::now_v7().to_string(),
        service_point_external_id: point.to_owned(),
        transformer_id: transformer.to_owned(),
        bus: bus.to_owned(),
        reason: "seen on the pole".to_owned(),
    }
}

impl Registry {
    async fn correct(&self, message: CorrectLinkRequest) -> Result<LinkCorrection, Status> {
        let crew = given::person(Role::Crew, "demo/city");
        let reply = self.api.correct_link(given::from(&crew, message)).await;
        reply.map(tonic::Response::into_inner)
    }

    async fn corrections(&self, standing: bool) -> Result<Vec<LinkCorrection>, Status> {
        let message = ListLinkCorrectionsRequest { standing, page: None };
        let agent = given::person(Role::Agent, "demo");
        let reply = self.api.list_link_corrections(given::from(&agent, message)).await;
        Ok(reply?.into_inner().corrections)
    }

    async fn nearest(&self, role: Role, org: &str, lon: f64, lat: f64) -> Result<NearestReply, Status> {
        let message = NearestRequest {
            position: Some(Point { lon, lat }),
            limit: 3,
        };
        let claims = given::person(role, org);
        let reply = self.api.nearest(given::from(&claims, message)).await;
        reply.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn a_corrected_link_is_a_new_version_that_affected_sets_follow() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let before = registry.set(&["T1"], "", &[]).await?;
    let message = wish("P1", "t2", "");
    let done = registry.correct(message.clone()).await?;
    assert_eq!(
        (
            done.from_bus.as_str(),
            done.to_bus.as_str(),
            done.to_transformer_id.as_str()
        ),
        ("L1", "L2", "T2")
    );
    assert_eq!(
        registry.correct(message).await?,
        done,
        "a repeat is the same correction"
    );
    let after = registry.set(&["T1"], "", &[]).await?;
    assert_ne!(before.grid_version, after.grid_version);
    assert_eq!(then::members(&registry.db, &after.set_id).await?, ["p2"]);
    let other = registry.set(&["T2"], "", &[]).await?;
    assert_eq!(then::members(&registry.db, &other.set_id).await?, ["p1", "p3"]);
    assert_eq!(
        then::members(&registry.db, &before.set_id).await?,
        ["p1", "p2"],
        "a set never changes"
    );
    let told = then::told(&registry.db).await?;
    assert_eq!(told[told.len() - 2..], ["grid.versioned", "customer.changed"]);
    assert_eq!(then::audited(&registry.db, "link.corrected").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_correction_stands_until_a_pack_says_so_too() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    registry.correct(wish("p1", "T2", "")).await?;
    let version = registry.correct(wish("p2", "", "L2")).await?.grid_version;
    let again = registry.import(given::small_pack()).await?;
    assert!(
        !again.new_version,
        "the same pack changes nothing, and undoes nothing"
    );
    assert_eq!(again.grid_version.to_string(), version);
    assert_eq!(again.findings.corrected_links.first, ["p1", "p2"]);
    assert!(again.to_string().contains("as corrected on site"), "{again}");

    let mut pack = given::small_pack();
    pack.service_points[0].bus = "L2".to_owned();
    pack.service_points[1].bus = "C".to_owned();
    pack.service_points[1].phases = "1".parse()?;
    let report = registry.import(pack).await?;
    assert_eq!(report.findings.corrected_links.count, 0);
    assert!(registry.corrections(true).await?.is_empty());
    let states: Vec<String> = registry
        .corrections(false)
        .await?
        .into_iter()
        .map(|one| one.state)
        .collect();
    assert_eq!(states, ["overruled", "adopted"]);
    Ok(())
}

impl Registry {
    async fn volts(&self, point: &str) -> anyhow::Result<Option<i32>> {
        let volts = sqlx::query_scalar("select voltage_v from registry.service_point where external_id = $1");
        Ok(volts.bind(point).fetch_one(self.db.pool()).await?)
    }
}

/// A pack in which who hangs where says the voltage: high at L1, low at L2, nobody knows at C.
fn pack_with_voltages() -> relight_grid::Pack {
    let mut pack = given::small_pack();
    for point in &mut pack.service_points {
        point.voltage_v = match point.bus.as_str() {
            "L1" => Some(10_000),
            "L2" => Some(400),
            _ => None,
        };
    }
    pack
}

/// Who hangs elsewhere is supplied as those are who hang there, also after a pack that still has the wrong link.
#[tokio::test]
async fn the_voltage_follows_a_corrected_link() -> anyhow::Result<()> {
    let registry = given::with(pack_with_voltages()).await?;
    registry.correct(wish("p1", "T2", "")).await?;
    assert_eq!(registry.volts("p1").await?, Some(400));
    assert_eq!(registry.volts("p2").await?, Some(10_000), "nobody else moved");
    registry.import(pack_with_voltages()).await?;
    assert_eq!(registry.volts("p1").await?, Some(400));

    let mut without = pack_with_voltages();
    without.service_points[0].bus = "L2".to_owned();
    without.service_points[0].voltage_v = Some(220);
    registry.import(without).await?;
    assert_eq!(
        registry.volts("p1").await?,
        Some(220),
        "a pack that knows the link is believed"
    );
    Ok(())
}

/// Where nobody knows the voltage the service point keeps its own.
#[tokio::test]
async fn a_corrected_link_to_where_nobody_has_a_voltage_keeps_it() -> anyhow::Result<()> {
    let mut pack = pack_with_voltages();
    for point in &mut pack.service_points[1..] {
        point.voltage_v = None;
    }
    let registry = given::with(pack.clone()).await?;
    registry.correct(wish("p1", "T2", "")).await?;
    assert_eq!(registry.volts("p1").await?, Some(10_000));
    registry.import(pack).await?;
    assert_eq!(registry.volts("p1").await?, Some(10_000));
    Ok(())
}

#[tokio::test]
async fn a_wrong_correction_is_refused_and_changes_nothing() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let table = [
        (wish("p9", "T2", ""), Code::NotFound, "service point"),
        (wish("p1", "", ""), Code::InvalidArgument, "transformer_id"),
        (wish("p1", "T2", "L2"), Code::InvalidArgument, "bus"),
        (wish("p1", "T9", ""), Code::InvalidArgument, "nearest"),
        (wish("p1", "T1", ""), Code::InvalidArgument, "another transformer"),
        (
            wish("p1", "SW2", ""),
            Code::InvalidArgument,
            "another transformer",
        ),
        (wish("p1", "", "X"), Code::InvalidArgument, "supply"),
        (wish("p1", "", "Q"), Code::InvalidArgument, "bus Q"),
        (
            CorrectLinkRequest {
                reason: String::new(),
                ..wish("p1", "T2", "")
            },
            Code::InvalidArgument,
            "reason",
        ),
    ];
    for (message, code, words) in table {
        let refused = registry.correct(message).await;
        let status = refused
            .err()
            .ok_or_else(|| anyhow::anyhow!("{words} was taken"))?;
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(words), "{status:?}");
    }
    let elsewhere = given::person(Role::Crew, "demo/city/west");
    let refused = registry
        .api
        .correct_link(given::from(&elsewhere, wish("p1", "T2", "")))
        .await;
    assert_eq!(refused.err().map(|status| status.code()), Some(Code::NotFound));
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.grid_version").await?,
        1
    );
    Ok(())
}

/// The index against a plain look at every point, also across the date line and near a pole.
#[tokio::test]
async fn the_nearest_supply_is_the_nearest_along_the_ground() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    let places = [
        (179.99, 10.0),
        (-179.98, 10.0),
        (121.5, 31.2),
        (10.0, 89.9),
        (-170.0, 89.9),
    ];
    for (point, (lon, lat)) in pack.service_points.iter_mut().zip(places) {
        point.position = Position::new(lon, lat).ok_or_else(|| anyhow::anyhow!("out of range"))?;
    }
    let many = (0..400).map(|n| ServicePoint {
        id: format!("n{n}"),
        position: Position::new(120.0 + f64::from(n % 20) * 0.01, 30.0 + f64::from(n / 20) * 0.01)
            .unwrap_or_else(|| unreachable!("in range")),
        ..given::point("x", "L1", "1", "A-1", "demo/city/east")
    });
    pack.service_points.extend(many);
    let points: Vec<(String, f64, f64)> = pack
        .service_points
        .iter()
        .map(|point| (point.id.clone(), point.position.lon, point.position.lat))
        .collect();
    let registry = given::with(pack).await?;
    for (lon, lat) in [
        (180.0, 10.0),
        (-179.99, 10.0),
        (120.051, 30.072),
        (120.2, 30.19),
        (-80.0, 89.95),
    ] {
        let found = registry.nearest(Role::Agent, "demo", lon, lat).await?.nearest;
        let mut all: Vec<(f64, &str)> = points
            .iter()
            .map(|(id, at_lon, at_lat)| (haversine_m((lon, lat), (*at_lon, *at_lat)), id.as_str()))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (near, (distance_m, _)) in found.iter().zip(&all) {
            assert!(
                (near.distance_m - distance_m).abs() < 0.5,
                "{near:?} {distance_m}"
            );
        }
        let first = found[0]
            .service_point
            .as_ref()
            .map(|point| point.external_id.as_str());
        assert_eq!(first, Some(all[0].1), "{lon} {lat}");
    }
    let west = registry
        .nearest(Role::Agent, "demo/city/west", 120.0, 30.0)
        .await?;
    assert_eq!(west.nearest.len(), 1, "only the own area");
    let wrong = registry.nearest(Role::Agent, "demo", 200.0, 30.0).await;
    assert_eq!(
        wrong.err().map(|status| status.code()),
        Some(Code::InvalidArgument)
    );
    let crew = registry.nearest(Role::Crew, "demo", 120.0, 30.0).await;
    assert_eq!(
        crew.err().map(|status| status.code()),
        Some(Code::PermissionDenied)
    );
    Ok(())
}

/// Anybody may know the street where three live, nobody the house of one.
#[tokio::test]
async fn a_street_is_told_without_numbers_and_where_enough_live_there() -> anyhow::Result<()> {
    let mut pack = given::small_pack();
    for (n, point) in pack.service_points.iter_mut().enumerate() {
        point.position = Position {
            lon: 120.0,
            lat: 30.0,
        };
        point.address_zh = format!("示例市西城区湖滨路{n}号");
        point.address_en = format!("{n} Lake Road, West District");
    }
    pack.service_points[0].address_en = "9 Wang House, West District".to_owned();
    let registry = given::with(pack).await?;
    let ask = async |lon: f64| {
        let message = StreetsRequest {
            places: vec![Point { lon, lat: 30.0 }],
        };
        let reply = registry
            .api
            .streets(given::from(&Claims::anybody(), message))
            .await?;
        Ok::<_, Status>(reply.into_inner().places.remove(0))
    };
    let here = ask(120.002).await?;
    assert_eq!(
        (here.zh, here.en),
        (vec!["湖滨路".to_owned()], vec!["Lake Road".to_owned()])
    );
    assert!(ask(120.01).await?.zh.is_empty(), "a kilometre away");
    let wrong = ask(200.0).await.err().map(|status| status.code());
    assert_eq!(wrong, Some(Code::InvalidArgument));
    let many = StreetsRequest {
        places: vec![Point::default(); 51],
    };
    let refused = registry.api.streets(given::from(&Claims::anybody(), many)).await;
    assert_eq!(
        refused.err().map(|status| status.code()),
        Some(Code::InvalidArgument)
    );
    Ok(())
}

fn haversine_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let half = |x: f64, y: f64| ((x - y).to_radians() / 2.0).sin().powi(2);
    let h = half(a.1, b.1) + a.1.to_radians().cos() * b.1.to_radians().cos() * half(a.0, b.0);
    2.0 * 6_371_008.8 * h.sqrt().asin()
}
