//! Important customers with one supply left: told after a transfer had time, asked, escalated, kept.

use relight_common::{Claims, Role, reader::Consumer, wire::timestamp};
use relight_planner::{
    consumer::FromNotify,
    desk::reliability::{self, Looked, Switched},
    domain::reliability::Stand,
};
use relight_proto::{
    events::v1::{Event, NoticeServed, notice_served::Result as Served},
    planner::v1::{
        AcknowledgeWarningRequest, CloseWarningRequest, GetWarningRequest, ListWarningsRequest,
        ReliabilityWarning, reliability_warnings_server::ReliabilityWarnings,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    given::{self, CITY, House, customer, dispatcher, h, manager, min, t0, with},
    served::from,
    then,
};

fn looked(stand: Stand, supplied: i32) -> Looked {
    Looked {
        customer: customer(1),
        important: true,
        stand,
        supplies: (2, supplied),
        org_path: format!("{CITY}/station1"),
        zone: "Asia/Shanghai".to_owned(),
        area: ["湖滨路".to_owned(), "Lake Road".to_owned()],
    }
}

impl House {
    /// A device is switched, and the hospital stands so.
    pub async fn stands(&self, stand: Stand, supplied: i32) -> anyhow::Result<()> {
        let by = Switched {
            device_id: "SW-12".to_owned(),
            basis_kind: "outage".to_owned(),
            basis_id: Some(given::outage().uuid()),
            at: self.now(),
        };
        let at = looked(stand, supplied);
        self.by_itself(async |work| reliability::looked(work, &self.pack, &by, &at).await)
            .await
    }

    async fn warnings(&self, claims: &Claims, open: bool) -> anyhow::Result<Vec<ReliabilityWarning>> {
        let wanted = ListWarningsRequest {
            open,
            ..ListWarningsRequest::default()
        };
        let reply = self.served_api()?.list(from(claims, wanted)).await?;
        Ok(reply.into_inner().warnings)
    }

    async fn the_warning(&self) -> anyhow::Result<ReliabilityWarning> {
        let all = self.warnings(&manager(), false).await?;
        assert_eq!(all.len(), 1, "{all:?}");
        Ok(all.into_iter().next().expect("one"))
    }

    async fn hears(
        &self,
        claims: &Claims,
        id: &str,
        channel: &str,
    ) -> anyhow::Result<Result<ReliabilityWarning, Status>> {
        let message = AcknowledgeWarningRequest {
            command_id: Uuid::now_v7().to_string(),
            warning_id: id.to_owned(),
            text: "understood, the generator is tested".to_owned(),
            channel: channel.to_owned(),
        };
        let reply = self.served_api()?.acknowledge(from(claims, message)).await;
        Ok(reply.map(tonic::Response::into_inner))
    }

    async fn closes(&self, claims: &Claims, id: &str) -> anyhow::Result<Result<ReliabilityWarning, Status>> {
        let message = CloseWarningRequest {
            command_id: Uuid::now_v7().to_string(),
            warning_id: id.to_owned(),
            note: "an engineer is on the way to them".to_owned(),
        };
        let reply = self.served_api()?.close(from(claims, message)).await;
        Ok(reply.map(tonic::Response::into_inner))
    }

    async fn warning_results(&self, id: &str, result: &str) -> anyhow::Result<()> {
        let told = NoticeServed {
            outage_id: id.to_owned(),
            kind: reliability::TELLS.to_owned(),
            plan_no: 1,
            results: vec![Served {
                customer_id: customer(1).to_string(),
                channel: "sms".to_owned(),
                result: result.to_owned(),
                at: Some(timestamp(self.now())),
            }],
            ..NoticeServed::default()
        };
        let event = Event {
            id: Uuid::now_v7().to_string(),
            r#type: "notice.served".to_owned(),
            data: prost::Message::encode_to_vec(&told),
            ..Event::default()
        };
        let notify = FromNotify::new(self.pack.clone());
        self.by_itself(async |work| notify.apply(work, &event, ()).await)
            .await?;
        Ok(())
    }
}

async fn whats(house: &House) -> anyhow::Result<Vec<String>> {
    Ok(then::alarms(&house.db)
        .await?
        .into_iter()
        .map(|(what, _)| what)
        .collect())
}

/// Nobody answers: the account manager after a quarter of an hour, the duty manager after half an hour, who takes it on.
#[tokio::test]
async fn one_supply_left_is_told_and_silence_climbs_to_the_duty_manager() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.stands(Stand::Single, 1).await?;
    house.stands(Stand::Single, 1).await?;
    assert!(
        then::notices(&house.db).await?.is_empty(),
        "a transfer has two minutes"
    );
    house.until(t0() + min(3)).await?;
    assert_eq!(then::notices(&house.db).await?, [("reliability".to_owned(), 1)]);
    assert_eq!(whats(&house).await?, ["reliability"]);
    let one = house.the_warning().await?;
    assert_eq!(
        (one.number.as_str(), one.supplies, one.supplied),
        ("W-20260301-0001", 2, 1)
    );

    let early = house
        .closes(&manager(), &one.warning_id)
        .await?
        .expect_err("nobody is silent yet");
    assert_eq!(early.code(), Code::FailedPrecondition);
    house.until(t0() + min(18)).await?;
    assert_eq!(house.the_warning().await?.escalated_to, "account_manager");
    house.until(t0() + h(2)).await?;
    assert_eq!(
        whats(&house).await?,
        ["reliability", "account_manager", "duty_manager"]
    );
    let denied = house
        .closes(&dispatcher(), &one.warning_id)
        .await?
        .expect_err("a manager decides");
    assert_eq!(denied.code(), Code::PermissionDenied);
    let closed = house.closes(&manager(), &one.warning_id).await??;
    assert_eq!(
        (closed.closed_by.as_str(), closed.escalated_to.as_str()),
        ("mo", "duty_manager")
    );
    Ok(())
}

/// Delivered is proof, a stranger's number takes it back; who answers is asked by nobody any more. When several supplies are
/// back they hear that too, and the row stays.
#[tokio::test]
async fn who_answers_is_left_alone_hears_the_end_and_stays_in_the_archive() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.stands(Stand::Single, 1).await?;
    house.until(t0() + min(3)).await?;
    let id = house.the_warning().await?.warning_id;
    house.warning_results(&id, "delivered").await?;
    assert_eq!(house.the_warning().await?.served_channel, "sms");
    house.warning_results(&id, "wrong_person").await?;
    assert!(house.the_warning().await?.served_at.is_none());
    assert!(then::alarmed(&house.db, "wrong_person").await?);

    let refused = house
        .hears(&dispatcher(), &id, "rumour")
        .await?
        .expect_err("no such channel");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let first = house.hears(&dispatcher(), &id, "call").await??;
    assert_eq!(
        (
            first.acknowledged_by.as_str(),
            first.acknowledged_channel.as_str()
        ),
        ("dee", "call")
    );
    let again = house.hears(&manager(), &id, "visit").await??;
    assert_eq!(again.acknowledged_by, "dee", "the first answer stays");

    house.until(t0() + h(3)).await?;
    assert!(!then::alarmed(&house.db, "account_manager").await?);
    house.stands(Stand::Several, 2).await?;
    let notices = then::notices(&house.db).await?;
    assert_eq!(
        notices.last().map(|(kind, _)| kind.as_str()),
        Some("reliability_over")
    );
    assert!(house.warnings(&manager(), true).await?.is_empty());
    let kept = house.the_warning().await?;
    assert_eq!(
        (kept.ended_as.as_str(), kept.text.is_empty(), kept.supplied),
        ("restored", false, 2)
    );
    // It may happen again.
    house.stands(Stand::Single, 1).await?;
    assert_eq!(house.warnings(&manager(), true).await?.len(), 1);
    Ok(())
}

/// A transfer opens one side and closes the other within two minutes: nobody hears of it. All off is an outage, told as such.
#[tokio::test]
async fn a_transfer_is_told_to_nobody_and_an_outage_ends_a_warning_without_words() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.stands(Stand::Single, 1).await?;
    house.until(t0() + min(1)).await?;
    house.stands(Stand::Several, 2).await?;
    house.until(t0() + h(1)).await?;
    assert!(then::notices(&house.db).await?.is_empty());
    assert_eq!(then::alarms(&house.db).await?, []);

    house.stands(Stand::Single, 1).await?;
    house.until(house.now() + min(5)).await?;
    house.stands(Stand::Off, 0).await?;
    house.until(house.now() + h(1)).await?;
    assert_eq!(
        then::notices(&house.db).await?.len(),
        1,
        "only the warning itself"
    );
    assert_eq!(whats(&house).await?, ["reliability"]);
    let by = house.now();
    house
        .by_itself(async |work| reliability::gone(work, customer(1), by).await)
        .await?;
    Ok(())
}

#[tokio::test]
async fn warnings_are_of_their_area_only() -> anyhow::Result<()> {
    let house = given::house().await?;
    house.stands(Stand::Single, 1).await?;
    let id = house.the_warning().await?.warning_id;
    let far = Claims::of(
        "far",
        vec![relight_common::Grant {
            role: Role::Manager,
            org_path: "demo/county".to_owned(),
        }],
    );
    assert!(house.warnings(&far, false).await?.is_empty());
    let hidden = house.hears(&far, &id, "call").await?.expect_err("not theirs");
    assert_eq!(hidden.code(), Code::NotFound);
    let wanted = GetWarningRequest { warning_id: id };
    let hidden = house
        .served_api()?
        .get(from(&far, wanted.clone()))
        .await
        .expect_err("not theirs");
    assert_eq!(hidden.code(), Code::NotFound);
    let seen = house
        .served_api()?
        .get(from(&with("una", Role::UnitDesk), wanted))
        .await?;
    assert_eq!(seen.into_inner().basis_kind, "outage");
    Ok(())
}
