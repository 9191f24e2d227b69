//! The control room's seat: who takes a switching how far, what the network is like afterwards, and what telemetry says.

use relight_common::{Claims, Role};
use relight_proto::{
    events::v1::GridSwitched,
    registry::v1::{
        AdvanceSwitchingRequest, GetSwitchingRequest, GridStateReply, GridStateRequest,
        ListSwitchingsRequest, RecordTelemetryReply, RecordTelemetryRequest, RequestSwitchingRequest,
        Switching, Telemetry, WhatIfReply, WhatIfRequest,
        advance_switching_request::{self as act, Act},
        switchings_server::Switchings as _,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{self, Registry},
    then,
};

fn seat(actor: &str) -> Claims {
    Claims {
        actor: actor.to_owned(),
        ..given::person(Role::ControlRoom, "demo")
    }
}

fn permit(read_back: bool) -> Act {
    Act::Permit(act::Permit {
        name: "王调度".to_owned(),
        number: "P-17".to_owned(),
        read_back,
    })
}

fn note(reason: &str) -> act::Note {
    act::Note {
        reason: reason.to_owned(),
    }
}

fn asked(device: &str, close: bool, basis: &str) -> RequestSwitchingRequest {
    RequestSwitchingRequest {
        command_id: Uuid::now_v7().to_string(),
        switching_id: Uuid::now_v7().to_string(),
        device_id: device.to_owned(),
        close,
        basis_kind: basis.to_owned(),
        basis_id: if matches!(basis, "incident" | "outage") {
            Uuid::now_v7().to_string()
        } else {
            String::new()
        },
        reason: "a tree on the line".to_owned(),
    }
}

impl Registry {
    async fn ask(&self, claims: &Claims, message: RequestSwitchingRequest) -> Result<Switching, Status> {
        let reply = self.api.request_switching(given::from(claims, message)).await;
        reply.map(tonic::Response::into_inner)
    }

    async fn act(&self, claims: &Claims, id: &str, act: Act) -> Result<Switching, Status> {
        let message = AdvanceSwitchingRequest {
            command_id: Uuid::now_v7().to_string(),
            switching_id: id.to_owned(),
            expected_version: 0,
            act: Some(act),
        };
        let reply = self.api.advance_switching(given::from(claims, message)).await;
        reply.map(tonic::Response::into_inner)
    }

    /// Takes a new switching up to the permission.
    async fn permitted(&self, device: &str, close: bool, basis: &str) -> Result<String, Status> {
        let one = self.ask(&seat("a"), asked(device, close, basis)).await?;
        self.act(
            &seat("a"),
            &one.switching_id,
            Act::Acknowledge(act::Acknowledge {}),
        )
        .await?;
        self.act(&seat("a"), &one.switching_id, permit(true)).await?;
        Ok(one.switching_id)
    }

    /// Switches a device by hand, by two people.
    pub async fn switch(&self, device: &str, close: bool, basis: &str) -> Result<Switching, Status> {
        let id = self.permitted(device, close, basis).await?;
        self.act(&seat("a"), &id, Act::Execute(act::Execute::default()))
            .await?;
        self.act(&seat("b"), &id, Act::Confirm(act::Confirm {})).await
    }

    pub async fn state(&self) -> Result<GridStateReply, Status> {
        let reply = self
            .api
            .grid_state(given::from(&seat("a"), GridStateRequest {}))
            .await;
        reply.map(tonic::Response::into_inner)
    }

    async fn scada(&self, told: &[(&str, bool, i64)]) -> Result<RecordTelemetryReply, Status> {
        let one = |(device, closed, minute): &(&str, bool, i64)| Telemetry {
            device_id: (*device).to_owned(),
            closed: *closed,
            at: Some(relight_common::wire::timestamp(
                given::now() + chrono::TimeDelta::minutes(*minute),
            )),
        };
        let message = RecordTelemetryRequest {
            command_id: Uuid::now_v7().to_string(),
            telemetry: told.iter().map(one).collect(),
        };
        let claims = given::person(Role::Scada, "");
        let reply = self.api.record_telemetry(given::from(&claims, message)).await;
        reply.map(tonic::Response::into_inner)
    }

    async fn what_if(&self, open: &[&str], close: &[&str], list: &str) -> Result<WhatIfReply, Status> {
        let own = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        let message = WhatIfRequest {
            open: own(open),
            close: own(close),
            list: list.to_owned(),
            page: None,
        };
        let reply = self.api.what_if(given::from(&seat("a"), message)).await;
        reply.map(tonic::Response::into_inner)
    }

    pub async fn switched(&self) -> anyhow::Result<Vec<GridSwitched>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select data from outbox where type = 'grid.switched' order by version")
                .fetch_all(self.db.pool())
                .await?;
        let read = |data: Vec<u8>| prost::Message::decode(data.as_slice()).map_err(anyhow::Error::from);
        rows.into_iter().map(read).collect()
    }
}

fn code<T>(result: Result<T, Status>) -> Option<Code> {
    result.err().map(|status| status.code())
}

#[tokio::test]
async fn a_switching_is_taken_step_by_step_and_makes_a_new_state() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let done = registry.switch("sw2", false, "safety").await?;
    assert_eq!((done.state.as_str(), done.state_no, done.lost), ("done", 1, 1));
    assert!(done.number.starts_with("S-20260301-"), "{}", done.number);
    let marks: Vec<_> = done
        .marks
        .iter()
        .map(|mark| (mark.what.as_str(), mark.actor.as_str()))
        .collect();
    assert_eq!(
        marks,
        [
            ("request", "a"),
            ("acknowledge", "a"),
            ("permit", "a"),
            ("execute", "a"),
            ("confirm", "b")
        ]
    );
    assert_eq!(
        (done.marks[2].name.as_str(), done.marks[2].permit_no.as_str()),
        ("王调度", "P-17")
    );
    assert_eq!(then::members(&registry.db, &done.lost_set_id).await?, ["p3"]);
    let state = registry.state().await?;
    assert_eq!((state.state_no, state.opened), (1, vec!["SW2".to_owned()]));
    let news = registry.switched().await?;
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].device_id.as_str(), news[0].is_closed), ("SW2", false));
    assert_eq!(news[0].lost_set_id, done.lost_set_id);
    assert_eq!(
        (news[0].basis_kind.as_str(), news[0].basis_id.as_str()),
        ("safety", done.switching_id.as_str()),
        "a switching for safety is itself the reason"
    );

    let back = registry
        .act(&seat("a"), &done.switching_id, Act::Return(act::Return {}))
        .await?;
    assert_eq!(back.state, "returned");
    let fed = registry.switch("TIE", true, "").await?;
    assert_eq!(
        then::members(&registry.db, &fed.restored_set_id).await?,
        ["p3"],
        "fed from the other side"
    );
    assert_eq!(registry.state().await?.closed, ["TIE"]);
    let steps = then::count(
        &registry.db,
        "select count(*) from audit where action = 'switching.step'",
    )
    .await?;
    assert_eq!(steps, 9);
    Ok(())
}

#[tokio::test]
async fn a_state_set_by_hand_takes_two_people_of_the_seat() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let id = registry.permitted("SW2", false, "safety").await?;
    let execute = || Act::Execute(act::Execute::default());
    let dispatcher = given::person(Role::Dispatcher, "demo");
    assert_eq!(
        code(registry.act(&dispatcher, &id, execute()).await),
        Some(Code::PermissionDenied)
    );
    let said = registry.act(&seat("a"), &id, execute()).await?;
    assert_eq!(said.state, "executed");
    assert_eq!(registry.state().await?.state_no, 0, "nothing is so yet");
    let same = registry.act(&seat("a"), &id, Act::Confirm(act::Confirm {})).await;
    assert_eq!(code(same), Some(Code::FailedPrecondition));
    let done = registry
        .act(&seat("b"), &id, Act::Confirm(act::Confirm {}))
        .await?;
    assert_eq!(done.state, "done");
    let again = registry.act(&seat("b"), &id, Act::Confirm(act::Confirm {})).await;
    assert_eq!(code(again), Some(Code::FailedPrecondition));
    Ok(())
}

#[tokio::test]
async fn telemetry_confirms_what_is_under_way_and_moves_what_nobody_set() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let id = registry.permitted("SW2", false, "safety").await?;
    let seen = registry.scada(&[("sw2", false, 0), ("T9", false, 0)]).await?;
    assert_eq!((seen.taken, seen.unknown), (1, vec!["T9".to_owned()]));
    assert_eq!(seen.switched, ["SW2"]);
    let get = GetSwitchingRequest {
        switching_id: id.clone(),
    };
    let one = registry
        .api
        .get_switching(given::from(&seat("c"), get))
        .await?
        .into_inner();
    assert_eq!((one.state.as_str(), one.conflict), ("done", false));

    let trip = registry.scada(&[("SW1", false, 1)]).await?;
    assert_eq!(trip.switched, ["SW1"]);
    let news = registry.switched().await?;
    assert_eq!(news[1].basis_kind, "", "nobody said what for");
    assert_eq!(
        then::members(&registry.db, &news[1].lost_set_id).await?,
        ["p1", "p2", "p4"],
        "p3 was off already"
    );
    assert_eq!(
        registry
            .scada(&[("SW1", true, 0), ("SW1", false, 1)])
            .await?
            .taken,
        0,
        "older and equal news change nothing"
    );
    assert_eq!(registry.state().await?.opened, ["SW1", "SW2"]);
    assert_eq!(registry.scada(&[("SW1", true, 2)]).await?.switched, ["SW1"]);
    assert_eq!(registry.state().await?.opened, ["SW2"]);
    Ok(())
}

#[tokio::test]
async fn telemetry_that_contradicts_the_hand_is_shown_and_resolves_nothing() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let done = registry.switch("SW2", false, "safety").await?;
    let told = registry.scada(&[("SW2", true, 1)]).await?;
    assert_eq!((told.conflicts, told.switched.len()), (vec!["SW2".to_owned()], 0));
    let state = registry.state().await?;
    assert_eq!(state.opened, ["SW2"], "the hand holds");
    assert_eq!(state.conflicts.len(), 1);
    let list = registry
        .api
        .list_switchings(given::from(
            &seat("a"),
            ListSwitchingsRequest {
                open: true,
                page: None,
            },
        ))
        .await?
        .into_inner()
        .switchings;
    assert_eq!(list.len(), 1);
    assert!(list[0].conflict && list[0].switching_id == done.switching_id);
    Ok(())
}

#[tokio::test]
async fn affected_sets_are_of_the_network_as_it_is_switched() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let normal = registry.set(&["SW1"], "", &[]).await?;
    assert_eq!(normal.count, 4);
    registry.switch("TIE", true, "").await?;
    let tied = registry.set(&["SW1"], "", &[]).await?;
    assert_eq!(tied.count, 0, "everybody is fed through the tie");
    assert_ne!(tied.set_id, normal.set_id);
    let section = registry.set(&["T1"], &normal.set_id, &[]).await?;
    assert_eq!(
        then::members(&registry.db, &section.set_id).await?,
        ["p1", "p2"],
        "a section is asked of the state of its outage"
    );
    registry.switch("TIE", false, "").await?;
    assert_eq!(registry.set(&["SW1"], "", &[]).await?.set_id, normal.set_id);

    registry.switch("SW2", false, "safety").await?;
    let open = registry.set(&["SW2"], "", &[]).await?;
    assert_eq!(
        then::members(&registry.db, &open.set_id).await?,
        ["p3"],
        "what hangs on an open device still hangs on it"
    );
    // Another import keeps the switched devices switched, as the first state of its version.
    let mut pack = given::small_pack();
    pack.network.buses[6].position = None;
    registry.import(pack).await?;
    let state = registry.state().await?;
    assert_eq!((state.state_no, state.opened), (1, vec!["SW2".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn what_if_counts_and_lists_and_changes_nothing() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let alone = registry.what_if(&["SW1"], &[], "").await?;
    let lost = alone.lost.unwrap_or_default();
    assert_eq!(
        (
            lost.service_points,
            lost.customers,
            lost.important,
            lost.life_support,
            lost.own_generation
        ),
        (4, 4, 1, 1, 1)
    );
    let ids = |reply: WhatIfReply| -> Vec<String> {
        reply
            .service_points
            .into_iter()
            .map(|point| point.external_id)
            .collect()
    };
    assert_eq!(
        ids(registry.what_if(&["SW1"], &[], "").await?),
        ["p1", "p2", "p3", "p4"]
    );
    let fed = registry.what_if(&["SW1"], &["TIE"], "").await?;
    assert_eq!(fed.lost.unwrap_or_default().service_points, 0);
    let phase = registry.what_if(&["F1"], &[], "partly_dead").await?;
    assert_eq!(phase.lost.unwrap_or_default().service_points, 0);
    assert_eq!(phase.partly_dead.unwrap_or_default().service_points, 1);
    assert_eq!(ids(phase), ["p4"]);
    assert_eq!(registry.state().await?.state_no, 0);
    assert_eq!(
        then::count(&registry.db, "select count(*) from registry.affected_set").await?,
        0
    );
    assert_eq!(registry.switched().await?.len(), 0);
    for (open, close, list, field) in [
        (&[][..], &[][..], "", "open"),
        (&["SW9"], &[], "", "SW9"),
        (&["SW1"], &["sw1"], "", "close"),
        (&["SW1"], &[], "all", "list"),
    ] {
        let refused = registry.what_if(open, close, list).await;
        let status = refused
            .err()
            .ok_or_else(|| anyhow::anyhow!("{field} was taken"))?;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(field), "{status:?}");
    }
    Ok(())
}

#[tokio::test]
async fn wrong_requests_say_what_is_right_and_nobody_is_switched_off_for_nothing() -> anyhow::Result<()> {
    let registry = given::with(given::small_pack()).await?;
    let table = [
        (asked("SW9", false, "safety"), Code::InvalidArgument, "nearest"),
        (asked("SW1", false, ""), Code::InvalidArgument, "4 service points"),
        (asked("SW1", true, ""), Code::InvalidArgument, "closed already"),
        (
            asked("SW1", false, "because"),
            Code::InvalidArgument,
            "basis_kind",
        ),
        (
            RequestSwitchingRequest {
                basis_id: String::new(),
                ..asked("SW1", false, "incident")
            },
            Code::InvalidArgument,
            "basis_id",
        ),
        (
            RequestSwitchingRequest {
                reason: " ".to_owned(),
                ..asked("SW1", false, "safety")
            },
            Code::InvalidArgument,
            "reason",
        ),
    ];
    for (message, wanted, words) in table {
        let refused = registry.ask(&seat("a"), message).await;
        let status = refused
            .err()
            .ok_or_else(|| anyhow::anyhow!("{words} was taken"))?;
        assert_eq!(status.code(), wanted, "{status:?}");
        assert!(status.message().contains(words), "{status:?}");
    }
    let west = given::person(Role::ControlRoom, "demo/city/west");
    assert_eq!(
        code(registry.ask(&west, asked("SW1", false, "safety")).await),
        Some(Code::PermissionDenied)
    );
    let agent = given::person(Role::Agent, "demo");
    assert_eq!(
        code(registry.ask(&agent, asked("SW1", false, "safety")).await),
        Some(Code::PermissionDenied)
    );

    // Sent twice it is one; a second one of the same device waits.
    let first = asked("SW1", false, "safety");
    let one = registry.ask(&seat("a"), first.clone()).await?;
    assert_eq!(registry.ask(&seat("a"), first).await?, one);
    assert_eq!(
        code(registry.ask(&seat("b"), asked("SW1", false, "safety")).await),
        Some(Code::FailedPrecondition)
    );
    let id = one.switching_id.as_str();
    let skipped = registry
        .act(&seat("a"), id, Act::Execute(act::Execute::default()))
        .await;
    assert_eq!(code(skipped), Some(Code::FailedPrecondition));
    registry
        .act(&seat("a"), id, Act::Acknowledge(act::Acknowledge {}))
        .await?;
    let unread = registry.act(&seat("a"), id, permit(false)).await;
    assert!(
        unread
            .err()
            .is_some_and(|status| status.message().contains("read back"))
    );
    let old = AdvanceSwitchingRequest {
        command_id: Uuid::now_v7().to_string(),
        switching_id: id.to_owned(),
        expected_version: 1,
        act: Some(permit(true)),
    };
    let moved = registry.api.advance_switching(given::from(&seat("a"), old)).await;
    assert_eq!(code(moved), Some(Code::Aborted));
    registry.act(&seat("a"), id, Act::Refuse(note("storm"))).await?;
    let other = registry.ask(&seat("b"), asked("SW1", false, "safety")).await?;
    let withdrawn = registry
        .act(&seat("b"), &other.switching_id, Act::Withdraw(note("not needed")))
        .await?;
    assert_eq!(withdrawn.state, "withdrawn");
    assert_eq!(registry.state().await?.state_no, 0);
    assert!(
        code(registry.scada(&[("SW1", false, 60)]).await) == Some(Code::InvalidArgument),
        "news from the future"
    );
    Ok(())
}
