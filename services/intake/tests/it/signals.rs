//! Meters and telemetry: late, doubled, unknown, by call and by stream.

use chrono::{DateTime, TimeDelta, Utc};
use relight_common::{Claims, Role, wire::timestamp};
use relight_proto::{
    events::v1::SupplyOff,
    insight::v1::Interruption,
    intake::v1::{
        self as pb, signals_client::SignalsClient, signals_server::Signals, signals_server::SignalsServer,
    },
};
use tokio_stream::wrappers::TcpListenerStream;

use crate::{
    given::{House, by_account, customer_id, from, house, house_with_network, now, staff},
    then,
};

pub fn scada() -> Claims {
    staff(Role::Scada, "demo")
}

/// A signal about a load, or of telemetry about a device.
pub fn signal(id: &str, kind: &str, about: &str, at: DateTime<Utc>) -> pb::Signal {
    let is_device = kind.starts_with("scada");
    pb::Signal {
        external_id: id.to_owned(),
        kind: kind.to_owned(),
        load_id: if is_device {
            String::new()
        } else {
            about.to_owned()
        },
        device_id: if is_device {
            about.to_owned()
        } else {
            String::new()
        },
        at: Some(timestamp(at)),
        ..Default::default()
    }
}

pub async fn send(house: &House, signals: Vec<pb::Signal>) -> anyhow::Result<pb::SignalsReply> {
    let batch = pb::SignalBatch {
        source: "hes".to_owned(),
        signals,
    };
    Ok(house.api.send(from(scada(), batch)).await?.into_inner())
}

#[tokio::test]
async fn unknown_meters_are_named_the_rest_is_taken_and_a_repeat_takes_nothing() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let batch = || {
        vec![
            signal("1", "last_gasp", "l1-1-1", now()),
            signal("2", "last_gasp", "nobody", now()),
            signal("3", "sang", "L1-1-2", now()),
            signal("4", "scada_open", "no switch", now()),
            signal("5", "ping_off", "L1-1-2", now() + TimeDelta::hours(1)),
            pb::Signal {
                account: "A-1-1-3".to_owned(),
                ..signal("6", "ping_off", "", now() - TimeDelta::hours(3))
            },
            pb::Signal {
                account: "A-9-9-9".to_owned(),
                ..signal("7", "ping_off", "", now())
            },
            signal("1", "last_gasp", "L1-1-1", now()),
        ]
    };
    let reply = send(&house, batch()).await?;
    assert_eq!((reply.taken, reply.repeated), (2, 1));
    let faults: Vec<_> = reply
        .faults
        .iter()
        .map(|fault| (fault.external_id.as_str(), fault.field.as_str()))
        .collect();
    assert_eq!(
        faults,
        [
            ("2", "load_id"),
            ("3", "kind"),
            ("4", "device_id"),
            ("5", "at"),
            ("7", "account")
        ]
    );
    let again = send(&house, batch()).await?;
    assert_eq!((again.taken, again.repeated), (0, 3));
    // Stored with its own time and in the network's spelling.
    let kept: Vec<(DateTime<Utc>, String)> =
        sqlx::query_as("select at, load_id from intake.evidence order by at")
            .fetch_all(house.db.pool())
            .await?;
    assert_eq!(
        kept,
        [
            (now() - TimeDelta::hours(3), "L1-1-3".to_owned()),
            (now(), "L1-1-1".to_owned())
        ]
    );
    Ok(())
}

#[tokio::test]
async fn too_many_at_once_a_wrong_source_and_a_customer_are_refused() -> anyhow::Result<()> {
    let house = house().await?;
    let many = (0..1001).map(|n| signal(&n.to_string(), "last_gasp", "L1-1-1", now()));
    let batch = |source: &str, signals| pb::SignalBatch {
        source: source.to_owned(),
        signals,
    };
    let refused = house
        .api
        .send(from(scada(), batch("hes", many.collect())))
        .await
        .unwrap_err();
    assert_eq!(then::field(&refused), "signals");
    let refused = house
        .api
        .send(from(scada(), batch("Report", vec![])))
        .await
        .unwrap_err();
    assert_eq!(then::field(&refused), "source");
    let customer = crate::given::customer("A-1-1-1");
    let refused = house
        .api
        .send(from(customer, batch("hes", vec![])))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn a_stream_answers_each_batch_once_it_is_stored() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!("http://{}", listener.local_addr()?);
    let api = SignalsServer::new(house.api.clone());
    let guarded = tonic::service::interceptor::InterceptedService::new(api, house.peers.guard());
    let server = tonic::transport::Server::builder().add_service(guarded);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut client = SignalsClient::connect(uri).await?;
    let batches = (0..3).map(|n| pb::SignalBatch {
        source: "hes".to_owned(),
        signals: vec![
            signal(&format!("{n}"), "last_gasp", &format!("L1-1-{}", n + 1), now()),
            signal("0", "last_gasp", "L1-1-1", now()),
        ],
    });
    let batches: Vec<_> = batches.collect();
    let request = house.peers.request(tokio_stream::iter(batches), &scada());
    let mut replies = client.stream(request).await?.into_inner();
    let mut taken = Vec::new();
    while let Some(reply) = replies.message().await? {
        taken.push((reply.taken, reply.repeated));
    }
    assert_eq!(taken, [(1, 1), (1, 1), (1, 1)]);
    assert_eq!(then::count(&house.db, "evidence").await?, 3);
    Ok(())
}

#[tokio::test]
async fn meters_that_agree_open_an_incident_and_confirm_its_device() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    send(&house, vec![signal("1", "last_gasp", "L1-3-1", now())]).await?;
    house.group().await?;
    assert!(then::open(&house).await?.is_empty(), "one meter may be anything");
    let lone: i64 = sqlx::query_scalar("select count(*) from outbox where type = 'supply.off'")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(lone, 1, "the ledger is told of it");
    let more = (2..=4).map(|c| signal(&c.to_string(), "last_gasp", &format!("L1-3-{c}"), now()));
    send(&house, more.collect()).await?;
    house.later(TimeDelta::minutes(2));
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (
            open[0].device_id.as_str(),
            open[0].report_count,
            open[0].confirmed_by.as_str()
        ),
        ("T1-3", 0, "meter")
    );
    assert_eq!(open[0].accepted_at, Some(timestamp(now())));
    assert_eq!(open[0].org_path, "demo/east");
    // A call of somebody there joins it.
    house.accept(by_account("A-1-3-2")).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open.len(), open[0].report_count), (1, 1));
    assert_eq!(
        open[0].accepted_at,
        Some(timestamp(now())),
        "the clock never moves to later"
    );
    Ok(())
}

#[tokio::test]
async fn meters_that_are_off_for_a_reason_the_ledger_knows_make_no_fault() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let gasps = |transformer: u32| -> Vec<pb::Signal> {
        let of = |c| {
            let load = format!("L1-{transformer}-{c}");
            signal(&load, "last_gasp", &load, house.clock.now())
        };
        (1..=4).map(of).collect()
    };
    for c in 1..=4 {
        let class = if c == 1 { "ARREARS" } else { "PLANNED" };
        crate::triage::ledger(&house, &format!("A-1-3-{c}"), class);
    }
    send(&house, gasps(3)).await?;
    house.group().await?;
    assert_eq!(
        then::open(&house).await?.len(),
        0,
        "the planned outage is the reason"
    );
    assert_eq!(then::count(&house.db, "evidence").await?, 4, "they are kept");
    let told: i64 = sqlx::query_scalar("select count(*) from outbox where type = 'supply.off'")
        .fetch_one(house.db.pool())
        .await?;
    assert_eq!(told, 0, "off with a reason is no exception");
    // A fault in the ledger is the engine's own business, and so is what nobody knows of.
    for c in 1..=4 {
        crate::triage::ledger(&house, &format!("A-1-5-{c}"), "FAULT");
    }
    send(&house, gasps(5)).await?;
    house.later(TimeDelta::minutes(2));
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_relay_that_opens_is_told_once_and_not_again_with_every_reading() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let ago = |minutes| now() - TimeDelta::minutes(minutes);
    for (id, kind, at, told) in [
        ("1", "relay_open", ago(50), 1),
        ("2", "relay_open", ago(40), 1),
        ("3", "relay_closed", ago(30), 1),
        ("4", "relay_open", ago(20), 2),
        // Late: it was closed again since.
        ("5", "relay_open", ago(35), 2),
    ] {
        send(&house, vec![signal(id, kind, "L1-3-1", at)]).await?;
        house.group().await?;
        let news: Vec<SupplyOff> = then::told(&house.db, "supply.off").await?;
        assert_eq!(news.len(), told, "{id}");
        assert!(
            news.iter()
                .all(|news| news.relay_open && news.load_id == "L1-3-1")
        );
        assert_eq!(news[0].customer_id, customer_id("A-1-3-1").to_string());
    }
    assert!(then::open(&house).await?.is_empty(), "it is no fault");
    Ok(())
}

/// The case that explained it is over, and the meter is not closed: said once, within five minutes (operations.md O17).
#[tokio::test]
async fn a_relay_that_stays_open_after_its_case_is_told_again_within_five_minutes() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let who = customer_id("A-1-3-1").to_string();
    let case = Interruption {
        customer_id: who.clone(),
        class: "FAULT".to_owned(),
        also: vec!["ARREARS".to_owned()],
        ..Default::default()
    };
    house
        .others
        .say(|script| drop(script.off.insert(who.clone(), case.clone())));
    send(
        &house,
        vec![signal("1", "relay_open", "L1-3-1", house.clock.now())],
    )
    .await?;
    let minute = |n: i64| TimeDelta::seconds(30 * n);
    let told = async |rounds: i64| {
        for _ in 0..rounds {
            house.later(minute(1));
            house.group().await?;
        }
        anyhow::Ok(then::told::<SupplyOff>(&house.db, "supply.off").await?)
    };
    house.group().await?;
    assert_eq!(told(20).await?.len(), 1, "the case explains it");
    house.others.say(|script| drop(script.off.remove(&who)));
    let over_at = house.clock.now();
    assert_eq!(told(4).await?.len(), 1, "the command to close it is on its way");
    let news = told(6).await?;
    assert_eq!(news.len(), 2, "five minutes");
    let last = news.last().expect("told");
    assert!(last.lasting && last.relay_open && !news[0].lasting);
    assert_eq!(last.customer_id, who);
    let off_at = last.off_at.expect("a time");
    assert!(
        off_at.seconds > over_at.timestamp(),
        "no record of before explains it"
    );
    assert_eq!(told(40).await?.len(), 2, "once");
    // Another case, which ends with the relay closed in time.
    house
        .others
        .say(|script| drop(script.off.insert(who.clone(), case)));
    told(2).await?;
    house.others.say(|script| drop(script.off.remove(&who)));
    told(3).await?;
    send(
        &house,
        vec![signal("2", "relay_closed", "L1-3-1", house.clock.now())],
    )
    .await?;
    assert_eq!(told(20).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_delays_no_meter() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    house
        .others
        .say(|script| script.failure = Some(tonic::Status::unavailable("away")));
    let gasps = (1..=4).map(|c| signal(&format!("{c}"), "last_gasp", &format!("L1-3-{c}"), now()));
    send(&house, gasps.collect()).await?;
    house.later(TimeDelta::minutes(2));
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn telemetry_confirms_its_switch_alone_and_waits_for_the_registry() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    house
        .others
        .say(|script| script.failure = Some(tonic::Status::unavailable("away")));
    send(&house, vec![signal("1", "scada_open", "SW2", now())]).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!((open[0].device_id.as_str(), open[0].confirmed), ("SW2", false));
    house.others.say(|script| script.failure = None);
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (
            open[0].confirmed,
            open[0].affected_count,
            open[0].confirmed_by.as_str()
        ),
        (true, 40, "meter")
    );
    Ok(())
}
