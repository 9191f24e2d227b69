//! The notice: printed once, read by those it concerns, checked by anybody without a word of the debt.

use relight_common::{Claims, Code, Grant, Role, ids::derived_from_name};
use relight_proto::arrears::v1::{CheckNoticeReply, NoticeRequest, arrears_server::Arrears};

use crate::given::{DEBT, Room, anybody, asked, balance, elsewhere, issue, li, payment, room};

fn customer(account: &str) -> Claims {
    let grant = Grant {
        role: Role::Customer,
        org_path: String::new(),
    };
    Claims {
        customer_id: Some(derived_from_name(account)),
        ..Claims::of("customer", vec![grant])
    }
}

async fn check(room: &Room, number: &str) -> anyhow::Result<CheckNoticeReply> {
    let ask = NoticeRequest {
        number: number.to_owned(),
    };
    Ok(room.api.check_notice(asked(ask, &anybody())).await?.into_inner())
}

#[tokio::test]
async fn a_notice_says_everything_to_those_it_concerns() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let number = room.case(&id).await?.notice_number;
    assert_eq!(number, "T-20260806-0001");
    let ask = || NoticeRequest {
        number: number.clone(),
    };
    for claims in [li(), customer("1001")] {
        let notice = room.api.get_notice(asked(ask(), &claims)).await?.into_inner();
        assert_eq!(
            (
                notice.customer_name.as_str(),
                notice.account.as_str(),
                notice.amount_cents,
                notice.reconnect_h
            ),
            ("王小明", "1001", DEBT, 24)
        );
        assert_eq!(
            (
                notice.issuer.as_str(),
                notice.approver.as_str(),
                notice.server.as_str()
            ),
            ("li's name", "hu's name", "wang's name")
        );
        assert_eq!(notice.currency, "CNY");
        assert_eq!(
            (notice.served_method.as_str(), notice.witness.as_str()),
            ("posted_with_witness", "zhou")
        );
        assert_eq!(notice.bills.len(), 1);
        assert!(notice.valid);
    }
    for claims in [elsewhere(), customer("10019"), anybody()] {
        let status = room.api.get_notice(asked(ask(), &claims)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    let views: i64 = sqlx::query_scalar("select count(*) from audit where action = 'arrears.notice_viewed'")
        .fetch_one(room.db.pool())
        .await?;
    assert_eq!(views, 2);
    Ok(())
}

#[tokio::test]
async fn anybody_may_check_a_number_and_learns_nothing_of_the_debt() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let number = room.case(&id).await?.notice_number;
    let known = check(&room, &number.to_lowercase()).await?;
    assert!(known.genuine && known.valid);
    assert_eq!(
        check(&room, "T-20260806-0002").await?,
        CheckNoticeReply::default()
    );
    room.feed(vec![payment("p1", "1001", DEBT, "08-10 09:20")])
        .await?;
    let settled = check(&room, &number).await?;
    assert!(settled.genuine && !settled.valid);
    Ok(())
}

/// A payment that makes the amount untrue voids the notice; the next one has a number of its own.
#[tokio::test]
async fn a_notice_of_a_wrong_amount_is_void() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let number = room.case(&id).await?.notice_number;
    room.feed(vec![payment("p1", "1001", DEBT / 2, "08-10 09:20")])
        .await?;
    assert_eq!(room.case(&id).await?.state, "expired");
    assert!(!check(&room, &number).await?.valid);
    let empty = room.apply(&li(), &id, issue("08-17 09:00")).await.unwrap_err();
    assert!(
        empty.message().contains("it would have to be served by"),
        "{}",
        empty.message()
    );
    let next = room.apply(&li(), &id, issue("08-18 10:00")).await?;
    assert_eq!(next.notice_number, "T-20260810-0001");
    assert_eq!(next.balance_cents, DEBT / 2);
    room.feed(vec![balance("b7", "1001", DEBT / 2, "08-10 09:25")])
        .await?;
    assert!(check(&room, &next.notice_number).await?.valid);
    Ok(())
}

/// Who paid may still want to know, and the regulator may: the proof is there whatever became of the case.
#[tokio::test]
async fn the_proof_of_service_stays_when_the_case_is_over() -> anyhow::Result<()> {
    let room = room().await?;
    let id = room.case_until("notice_served").await?;
    let number = room.case(&id).await?.notice_number;
    let ask = || NoticeRequest {
        number: number.clone(),
    };
    let before = room.api.get_notice(asked(ask(), &li())).await?.into_inner();
    assert_eq!(before.served_method, "posted_with_witness");
    // Where the migration finds what was proven before it.
    let kept: Option<String> = sqlx::query_scalar(
        "select doc #>> '{state,served,notice,number}' from debt_case where id = $1::uuid",
    )
    .bind(&id)
    .fetch_one(room.db.pool())
    .await?;
    assert_eq!(kept.as_ref(), Some(&number));
    room.feed(vec![payment("p9", "1001", DEBT, "08-06 15:00")])
        .await?;
    let after = room.api.get_notice(asked(ask(), &li())).await?.into_inner();
    assert!(!after.valid, "paid");
    assert_eq!(
        (after.served_method, after.served_at, after.witness, after.server),
        (
            before.served_method,
            before.served_at,
            before.witness,
            before.server
        )
    );
    Ok(())
}
