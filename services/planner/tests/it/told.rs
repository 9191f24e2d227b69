//! What notify tells of the notices it was given.

use relight_common::{Work, ids::derived, reader::Consumer, wire::timestamp};
use relight_planner::consumer::FromNotify;
use relight_proto::events::v1::{Event as WireEvent, NoticeServed, notice_served::Result as Served};
use uuid::Uuid;

use crate::given::{House, customer, outage};

impl House {
    /// notify tells that these customers got the text, just now.
    pub async fn served(&self, plan_no: u32, kind: &str, customers: &[u8]) -> anyhow::Result<()> {
        self.results(plan_no, kind, customers, "delivered").await
    }

    /// notify tells what became of the texts to these customers.
    pub async fn results(
        &self,
        plan_no: u32,
        kind: &str,
        customers: &[u8],
        result: &str,
    ) -> anyhow::Result<()> {
        let results = customers.iter().map(|n| Served {
            customer_id: customer(*n).to_string(),
            channel: "sms".to_owned(),
            result: result.to_owned(),
            at: Some(timestamp(self.now())),
        });
        let told = NoticeServed {
            notice_id: derived(outage().uuid(), kind).to_string(),
            outage_id: outage().to_string(),
            plan_no,
            kind: kind.to_owned(),
            results: results.collect(),
            ..NoticeServed::default()
        };
        let event = WireEvent {
            id: Uuid::now_v7().to_string(),
            r#type: "notice.served".to_owned(),
            data: prost::Message::encode_to_vec(&told),
            ..WireEvent::default()
        };
        let consumer = FromNotify::new(self.pack.clone());
        let mut work = Work::internal(&self.db, event.id.clone(), self.now()).await?;
        consumer.apply(&mut work, &event, ()).await?;
        Ok(work.done().await?)
    }
}
