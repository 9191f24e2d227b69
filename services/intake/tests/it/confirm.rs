//! A dispatcher or a crew says which device it is.

use relight_common::{Claims, Code, Role};
use relight_proto::intake::v1::{self as pb, intake_server::Intake};
use tonic::Status;
use uuid::Uuid;

use crate::{
    given::{House, agent, by_account, dispatcher, from, house_with_network, staff},
    then,
};

async fn an_incident(house: &House) -> anyhow::Result<pb::Incident> {
    house.accept(by_account("A-1-1-1")).await?;
    house.group().await?;
    Ok(then::open(house).await?.remove(0))
}

fn confirm(incident: &str, device: &str) -> pb::ConfirmDeviceRequest {
    pb::ConfirmDeviceRequest {
        command_id: Uuid::now_v7().to_string(),
        incident_id: incident.to_owned(),
        device_id: device.to_owned(),
        confirmed_by: "dispatcher".to_owned(),
    }
}

async fn send(
    house: &House,
    claims: Claims,
    message: pb::ConfirmDeviceRequest,
) -> Result<pb::Incident, Status> {
    Ok(house
        .api
        .confirm_device(from(claims, message))
        .await?
        .into_inner())
}

#[tokio::test]
async fn a_confirmed_device_brings_its_affected_set_and_is_told_once() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let guess = an_incident(&house).await?;
    let message = confirm(&guess.incident_id, "sw1");
    let confirmed = send(&house, dispatcher(), message.clone()).await?;
    assert!(confirmed.confirmed && confirmed.life_support);
    // The registry's spelling, whatever was typed.
    assert_eq!(
        (confirmed.device_id.as_str(), confirmed.device_kind.as_str()),
        ("SW1", "switch")
    );
    assert_eq!(
        (confirmed.affected_count, confirmed.confirmed_by.as_str()),
        (40, "dispatcher")
    );
    assert_eq!(confirmed.version, guess.version + 1);
    assert_eq!(send(&house, dispatcher(), message).await?, confirmed);
    // Confirming the same again, as another command, changes nothing.
    assert_eq!(
        send(&house, dispatcher(), confirm(&guess.incident_id, "SW1")).await?,
        confirmed
    );
    let told = then::incidents_told(&house.db).await?;
    let last = told.last().unwrap();
    assert_eq!((told.len(), last.confirmed, last.affected_count), (2, true, 40));
    assert_eq!(
        (last.affected_set_id.as_str(), last.reporters.len()),
        (confirmed.affected_set_id.as_str(), 1)
    );
    Ok(())
}

#[tokio::test]
async fn guesses_below_a_confirmed_device_become_part_of_it() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let first = an_incident(&house).await?;
    // Much later: at once they would be taken for one fault above both.
    house.later(chrono::TimeDelta::minutes(50));
    house.accept(by_account("A-2-1-1")).await?;
    house.group().await?;
    assert_eq!(then::open(&house).await?.len(), 2);
    send(&house, dispatcher(), confirm(&first.incident_id, "CB")).await?;
    house.group().await?;
    let open = then::open(&house).await?;
    assert_eq!(
        (open.len(), open[0].device_id.as_str(), open[0].report_count),
        (1, "CB", 2)
    );
    assert_eq!(open[0].incident_id, first.incident_id);
    // Nothing is left to do for it.
    let told = then::incidents_told(&house.db).await?.len();
    house.group().await?;
    assert_eq!(then::incidents_told(&house.db).await?.len(), told);
    Ok(())
}

#[tokio::test]
async fn a_crew_finding_corrects_the_device_through_dispatch() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let guess = an_incident(&house).await?;
    send(&house, dispatcher(), confirm(&guess.incident_id, "SW1")).await?;
    let found = pb::ConfirmDeviceRequest {
        confirmed_by: "crew".to_owned(),
        ..confirm(&guess.incident_id, "T1-1")
    };
    let corrected = send(&house, Claims::service("dispatch"), found).await?;
    assert_eq!(
        (corrected.device_id.as_str(), corrected.affected_count),
        ("T1-1", 4)
    );
    assert_eq!(
        (corrected.confirmed_by.as_str(), corrected.device_kind.as_str()),
        ("crew", "transformer")
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_confirmed_says_why() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = an_incident(&house).await?.incident_id;
    let good = confirm(&id, "SW1");
    let cases: [(pb::ConfirmDeviceRequest, Code, &str); 7] = [
        (confirm(&id, "NO-SUCH"), Code::InvalidArgument, "device_id"),
        (confirm(&id, ""), Code::InvalidArgument, "device_id"),
        (
            confirm(&id, &"x".repeat(1000)),
            Code::InvalidArgument,
            "device_id",
        ),
        (confirm("42", "SW1"), Code::InvalidArgument, "incident_id"),
        (confirm(&Uuid::now_v7().to_string(), "SW1"), Code::NotFound, ""),
        (
            pb::ConfirmDeviceRequest {
                confirmed_by: "me".to_owned(),
                ..good.clone()
            },
            Code::InvalidArgument,
            "confirmed_by",
        ),
        (
            pb::ConfirmDeviceRequest {
                command_id: "x".to_owned(),
                ..good.clone()
            },
            Code::InvalidArgument,
            "command_id",
        ),
    ];
    for (message, code, field) in cases {
        let refused = send(&house, dispatcher(), message.clone()).await.unwrap_err();
        assert_eq!(
            (refused.code(), then::field(&refused)),
            (code, field),
            "{message:?}"
        );
    }
    let first = send(&house, dispatcher(), good.clone()).await?;
    let other_body = pb::ConfirmDeviceRequest {
        device_id: "SW2".to_owned(),
        ..good
    };
    let refused = send(&house, dispatcher(), other_body).await.unwrap_err();
    assert_eq!(
        (refused.code(), then::field(&refused)),
        (Code::InvalidArgument, "command_id")
    );
    assert_eq!(then::open(&house).await?[0].device_id, first.device_id);
    Ok(())
}

#[tokio::test]
async fn only_a_dispatcher_of_the_area_confirms_and_only_while_it_is_open() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = an_incident(&house).await?.incident_id;
    let cases = [
        (agent(), Code::PermissionDenied),
        (Claims::service("notify"), Code::PermissionDenied),
        (staff(Role::Dispatcher, "demo/west"), Code::NotFound),
    ];
    for (claims, code) in cases {
        assert_eq!(
            send(&house, claims, confirm(&id, "SW1"))
                .await
                .unwrap_err()
                .code(),
            code
        );
    }
    sqlx::query("update intake.incident set state = 'closed', close_reason = 'restored'")
        .execute(house.db.pool())
        .await?;
    let refused = send(&house, dispatcher(), confirm(&id, "SW1")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_away_is_said_to_be_away() -> anyhow::Result<()> {
    let house = house_with_network().await?;
    let id = an_incident(&house).await?.incident_id;
    house
        .others
        .say(|script| script.failure = Some(Status::unavailable("away")));
    let message = confirm(&id, "SW1");
    assert_eq!(
        send(&house, dispatcher(), message.clone())
            .await
            .unwrap_err()
            .code(),
        Code::Unavailable
    );
    house.others.say(|script| script.failure = None);
    assert!(
        send(&house, dispatcher(), message).await?.confirmed,
        "the same command again"
    );
    Ok(())
}
