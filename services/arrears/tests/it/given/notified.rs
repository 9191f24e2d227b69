//! What notify is asked, and what it tells.

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use relight_arrears::consumer::FromNotify;
use relight_common::{Claims, Work, ids::derived_from_name, reader::Consumer, wire::timestamp};
use relight_proto::{
    arrears::v1::{
        self as w, notice_text_batches_server::NoticeTextBatches, notice_texts_server::NoticeTexts,
    },
    events::v1::{self as events, ArrearsNotice, ContactNoted, NoticeServed, notice_served},
};
use tonic::Status;
use uuid::Uuid;

use super::{Room, asked, command, local};

/// The notices ordered of notify, oldest first.
pub async fn ordered(room: &Room) -> anyhow::Result<Vec<ArrearsNotice>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select data from outbox where type = 'arrears.notice' order by id")
            .fetch_all(room.db.pool())
            .await?;
    rows.iter()
        .map(|data| Ok(ArrearsNotice::decode(data.as_slice())?))
        .collect()
}

impl Room {
    /// Notify tells what became of the newest message.
    pub async fn became(&self, channel: &str, result: &str, at: &str) -> anyhow::Result<()> {
        let notices = ordered(self).await?;
        let newest = notices.last().expect("a message was ordered");
        self.served(newest, (channel, result, at)).await
    }

    /// Notify tells what became of the newest message of this kind.
    pub async fn became_of(&self, kind: &str, result: &str, at: &str) -> anyhow::Result<()> {
        let notices = ordered(self).await?;
        let newest = notices.iter().rfind(|notice| notice.kind == kind);
        self.served(newest.expect("one of that kind"), ("sms", result, at))
            .await
    }

    async fn served(
        &self,
        notice: &ArrearsNotice,
        (channel, result, at): (&str, &str, &str),
    ) -> anyhow::Result<()> {
        let told = NoticeServed {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
            results: vec![notice_served::Result {
                customer_id: notice.customer_id.clone(),
                channel: channel.to_owned(),
                result: result.to_owned(),
                at: Some(timestamp(local(at))),
            }],
            ..NoticeServed::default()
        };
        self.told_by_notify("notice.served", &told).await
    }

    /// Notify tells that this contact is somebody else's, or that it is the customer's after all.
    pub async fn stranger_at(&self, contact: Uuid, withdrawn: bool) -> anyhow::Result<()> {
        let told = ContactNoted {
            wrong_id: derived_from_name(&format!("note {contact}")).to_string(),
            customer_id: derived_from_name("1001").to_string(),
            contact_id: contact.to_string(),
            withdrawn,
        };
        self.told_by_notify("contact.noted", &told).await
    }

    async fn told_by_notify(&self, kind: &str, told: &impl Message) -> anyhow::Result<()> {
        let event = events::Event {
            id: command(),
            r#type: kind.to_owned(),
            data: told.encode_to_vec(),
            ..events::Event::default()
        };
        let consumer = FromNotify::new(&self.db, self.rules.clone(), Arc::clone(&self.outside));
        let premises = consumer.prepare(&event).await?;
        let mut work = Work::internal(&self.db, event.id.clone(), self.clock.now()).await?;
        consumer.apply(&mut work, &event, premises).await?;
        work.done().await?;
        Ok(())
    }

    /// What notify is told to write.
    pub async fn text_of(&self, notice: &ArrearsNotice, asks: &Claims) -> Result<w::TextOfReply, Status> {
        let ask = w::TextOfRequest {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
        };
        Ok(self.api.text_of(asked(ask, asks)).await?.into_inner())
    }

    /// What notify is told to write, asked about together.
    pub async fn texts_of(
        &self,
        notices: &[ArrearsNotice],
        asks: &Claims,
    ) -> Result<HashMap<String, w::TextOfReply>, Status> {
        let ask = |notice: &ArrearsNotice| w::TextOfRequest {
            notice_id: notice.notice_id.clone(),
            case_id: notice.case_id.clone(),
            kind: notice.kind.clone(),
        };
        let all = w::TextsOfRequest {
            notices: notices.iter().map(ask).collect(),
        };
        Ok(self.api.texts_of(asked(all, asks)).await?.into_inner().texts)
    }
}
