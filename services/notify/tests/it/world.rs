//! One notify on a database of its own, beside a town that answers it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use prost::Message;
use relight_common::{
    Clock,
    config::Grpc,
    grpc::Peers,
    lease::{self, Lease},
    reader::apply_batch,
    secrets::Secrets,
    wire,
};
use relight_notify::{
    bells::Bells,
    channel::{
        smpp::{self, Address},
        smtp::{self, Mailer},
    },
    consumer::Notices,
    domain::{delivery::Receipt, receipt::Told, words::House},
    people::People,
    rpc::Api,
    seal::Sealer,
    sender::{
        Provider, Sender,
        mail::MailProvider,
        record::{Recorder, Tray, tray},
        sms::{Listener, SmsProvider},
    },
    template::Book,
    wrong,
};
use relight_proto::{
    common::v1::Language,
    events::v1::{EtrChanged, Event, IncidentChanged, InterruptionStep, ReportAccepted, WorkOrderStep},
    insight::v1::LedgerMember,
    intake::v1::ReporterContact,
    registry::v1::Contact,
};
use relight_testkit::{TestDb, smsc::Smsc, smtp::SmtpSink};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::town::Town;

/// 10:00 in Shanghai.
pub(crate) const MORNING: &str = "2026-11-22T02:00:00Z";
/// 22:00 in Shanghai.
pub(crate) const NIGHT: &str = "2026-11-22T14:00:00Z";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time in RFC 3339")
}

pub(crate) fn house() -> House {
    House {
        org_zh: "示范供电".into(),
        org_en: "Demo Electric".into(),
        phone: "95598".into(),
    }
}

pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) clock: Clock,
    pub(crate) town: Town,
    pub(crate) incident: Uuid,
    pub(crate) order: Uuid,
    pub(crate) sealer: Sealer,
    pub(crate) notices: Notices,
    pub(crate) api: Api,
    pub(crate) people: Arc<People>,
    pub(crate) book: Arc<Book>,
    pub(crate) bells: Arc<Bells>,
    seq: AtomicU64,
    pub(crate) stop: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    pub(crate) async fn start(now: &str) -> anyhow::Result<Self> {
        let db = relight_testkit::database("notify", &relight_notify::MIGRATIONS).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let uri = format!("http://{}", listener.local_addr()?);
        let names = ["intake", "dispatch", "insight", "registry", "arrears"];
        let grpc = Grpc {
            tls: false,
            listen: Default::default(),
            peers: names
                .iter()
                .map(|name| ((*name).to_owned(), uri.clone()))
                .collect(),
        };
        let secrets = Secrets::ephemeral();
        let peers = Peers::new(&grpc, &secrets, "test")?.acting_as("notify");
        let (town, stop) = (Town::default(), CancellationToken::new());
        let (serving, guard, stopped) = (town.clone(), peers.guard(), stop.clone());
        tokio::spawn(async move { serving.serve(listener, guard, stopped).await });
        let (clock, sealer) = (Clock::held(at(now)), Sealer::new(&secrets));
        let (people, book) = (
            Arc::new(People::new(&peers, sealer.clone())),
            Arc::new(Book::new()),
        );
        let bells: Arc<Bells> = Arc::default();
        let notices = Notices {
            db: db.clone(),
            clock: clock.clone(),
            people: people.clone(),
            sealer: sealer.clone(),
            book: book.clone(),
            house: house(),
            zone: chrono_tz::Asia::Shanghai,
            bells: bells.clone(),
        };
        let api = Api {
            db: db.clone(),
            clock: clock.clone(),
            people: people.clone(),
            sealer: sealer.clone(),
            book: book.clone(),
            house: house(),
            zone: chrono_tz::Asia::Shanghai,
            bells: bells.clone(),
        };
        let (incident, order) = (Uuid::now_v7(), Uuid::now_v7());
        Ok(Self {
            db,
            clock,
            town,
            incident,
            order,
            sealer,
            notices,
            api,
            people,
            book,
            bells,
            seq: AtomicU64::new(0),
            stop,
        })
    }

    /// A customer with these contacts (number or address, language); an off member of the incident.
    pub(crate) fn customer(&self, contacts: &[(&str, Language)], reporter: bool) -> Uuid {
        let customer_id = Uuid::now_v7();
        let mut known = self.town.known();
        for (value, language) in contacts {
            known.contacts.push(Contact {
                contact_id: Uuid::now_v7().to_string(),
                customer_id: customer_id.to_string(),
                channel: if value.contains('@') { "email" } else { "sms" }.to_owned(),
                value: (*value).to_owned(),
                language: *language as i32,
                role: String::new(),
            });
        }
        let members = known.members.entry(self.incident).or_insert((1, Vec::new()));
        members.1.push(LedgerMember {
            customer_id: customer_id.to_string(),
            reporter,
        });
        customer_id
    }

    /// Somebody without an account who reported the incident.
    pub(crate) fn stranger(&self, phone: &str) -> Uuid {
        let report = Uuid::now_v7();
        let reporter = ReporterContact {
            report_id: report.to_string(),
            number: "F-9".into(),
            customer_id: String::new(),
            phone: phone.into(),
            language: Language::En as i32,
        };
        self.town.known().reporters.push((self.incident, reporter));
        report
    }

    /// A contact of somebody who stands beside a customer.
    pub(crate) fn beside(&self, customer: Uuid, value: &str, role: &str) -> Uuid {
        let contact = Uuid::now_v7();
        self.town.known().contacts.push(Contact {
            contact_id: contact.to_string(),
            customer_id: customer.to_string(),
            channel: if value.contains('@') { "email" } else { "sms" }.to_owned(),
            value: value.to_owned(),
            language: Language::En as i32,
            role: role.to_owned(),
        });
        contact
    }

    /// A ledger step that gives these customers their supply back.
    pub(crate) fn step_of(&self, customers: &[Uuid]) -> Uuid {
        let step = Uuid::now_v7();
        let members = customers.iter().map(|one| LedgerMember {
            customer_id: one.to_string(),
            reporter: false,
        });
        self.town.known().steps.insert(step, members.collect());
        step
    }

    pub(crate) fn event(&self, kind: &str, subject: Uuid, version: u64, data: &impl Message) -> Event {
        Event {
            id: Uuid::now_v7().to_string(),
            source: "test".into(),
            r#type: kind.into(),
            subject: subject.to_string(),
            version,
            org_path: "33/01".into(),
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            data: data.encode_to_vec(),
            ..Event::default()
        }
    }

    pub(crate) fn accepted(&self, report: Uuid, customer: Option<Uuid>) -> Event {
        let data = ReportAccepted {
            report_id: report.to_string(),
            number: "F-20261122-0042".into(),
            customer_id: customer.map_or(String::new(), |id| id.to_string()),
            triage: "new".into(),
            ..ReportAccepted::default()
        };
        self.event("report.accepted", report, 1, &data)
    }

    pub(crate) fn incident_changed(&self) -> Event {
        let data = IncidentChanged {
            incident_id: self.incident.to_string(),
            number: "I-20261122-0007".into(),
            zone: "Asia/Shanghai".into(),
            ..IncidentChanged::default()
        };
        self.event("incident.changed", self.incident, 1, &data)
    }

    pub(crate) fn step(&self, step: &str, version: u64) -> Event {
        let data = WorkOrderStep {
            order_id: self.order.to_string(),
            incident_id: self.incident.to_string(),
            incident_version: 1,
            step: step.into(),
            ..WorkOrderStep::default()
        };
        self.event("workorder.step", self.order, version, &data)
    }

    pub(crate) fn etr(&self, etr_at: Option<&str>, version: u64) -> Event {
        let data = EtrChanged {
            order_id: self.order.to_string(),
            incident_id: self.incident.to_string(),
            incident_version: 1,
            etr_at: etr_at.map(|text| wire::timestamp(at(text))),
            withdrawn: etr_at.is_none(),
            ..EtrChanged::default()
        };
        self.event("etr.changed", self.order, version, &data)
    }

    pub(crate) fn closed(&self, step: Uuid) -> Event {
        let data = InterruptionStep {
            step_id: step.to_string(),
            incident_id: self.incident.to_string(),
            kind: "closed".into(),
            at: Some(wire::timestamp(self.clock.now())),
            customers: 1,
            ..InterruptionStep::default()
        };
        self.event("interruption.step", step, 1, &data)
    }

    /// Applies events in one partition of one source.
    pub(crate) async fn apply(&self, events: Vec<Event>) -> anyhow::Result<()> {
        apply_batch(&self.db, "intake", 0, events, &self.notices, &self.stop).await?;
        let parked: i64 = sqlx::query_scalar("select count(*) from dead_letter")
            .fetch_one(self.db.pool())
            .await?;
        anyhow::ensure!(parked == 0, "an event was parked");
        Ok(())
    }

    pub(crate) fn sender<P: Provider>(&self, provider: P) -> Sender<P> {
        Sender {
            db: self.db.clone(),
            clock: self.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            bells: self.bells.clone(),
            provider,
        }
    }

    pub(crate) async fn lease(&self) -> anyhow::Result<Lease> {
        let lease = lease::take(self.db.pool(), "sender:test", Uuid::now_v7(), lease::TTL).await?;
        lease.ok_or_else(|| anyhow::anyhow!("somebody holds the lease"))
    }

    /// A bound sender of texts and its listener.
    pub(crate) async fn texts(&self, smsc: &Smsc) -> anyhow::Result<Texts> {
        let (client, inbound, link) =
            smpp::open(smpp::Config::new("smpp", &smsc.addr().to_string(), "relight", ""))?;
        let stop = CancellationToken::new();
        let link = tokio::spawn(link.run(stop.clone()));
        let listener = Listener {
            sealer: self.sealer.clone(),
            answers: wrong::Reader {
                db: self.db.clone(),
                clock: self.clock.clone(),
                sealer: self.sealer.clone(),
                book: self.book.clone(),
                house: house(),
                bells: self.bells.clone(),
            },
        };
        let (recorder, (tray, news)) = (self.recorder("smpp"), tray());
        let told = tray.clone();
        let listening = tokio::spawn(async move {
            let never = CancellationToken::new();
            tokio::join!(listener.run(inbound, told, &never), recorder.run(news, &never));
        });
        client.bound().await;
        let sender = self.sender(SmsProvider::new(client, Address::sender("95598")?, 8, 1_000));
        Ok(Texts {
            sender,
            tray,
            stop,
            link,
            listening,
        })
    }

    pub(crate) fn mails(&self, sink: &SmtpSink) -> anyhow::Result<Sender<MailProvider>> {
        let relay = smtp::Config::new("127.0.0.1", sink.addr().port(), "example.org");
        let mailer = Mailer::new(relay)?;
        Ok(self.sender(MailProvider {
            mailer,
            from: "Relight <outage@example.org>".into(),
            window: 4,
        }))
    }

    /// The receipt that a text to this number is there.
    pub(crate) fn delivered(&self, phone: &str, id: &str) -> Told {
        Told {
            message_id: Some(id.into()),
            receipt: Receipt::Delivered,
            error: None,
            reference: None,
            recipient: self.sealer.recipient(phone).to_vec(),
        }
    }

    pub(crate) fn recorder(&self, provider: &'static str) -> Recorder {
        Recorder {
            db: self.db.clone(),
            clock: self.clock.clone(),
            provider,
        }
    }

    /// One round of `sender`, with its answers written down, under a lease of its own; another may take it afterwards.
    pub(crate) async fn round<P: Provider>(&self, sender: &Sender<P>) -> anyhow::Result<usize> {
        let lease = self.lease().await?;
        let (recorder, (tray, news)) = (self.recorder(P::NAME), tray());
        let send = async {
            let sent = sender.round(&lease, &tray).await;
            drop(tray);
            sent
        };
        let (sent, ()) = tokio::join!(send, recorder.run(news, &self.stop));
        let sent = sent?;
        lease::give_back(self.db.pool(), &lease).await?;
        Ok(sent)
    }

    /// (purpose, channel, state) of every message, in order.
    pub(crate) async fn messages(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        Ok(
            sqlx::query_as("select purpose, channel, state from message order by purpose, channel, state")
                .fetch_all(self.db.pool())
                .await?,
        )
    }

    /// Waits until the messages of `purpose` stand like this.
    pub(crate) async fn wait_for_states(&self, purpose: &str, wanted: &[&str]) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
        let bound = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let all = self.messages().await?;
            let states: Vec<&str> = all
                .iter()
                .filter(|one| one.0 == purpose)
                .map(|one| one.2.as_str())
                .collect();
            if states == wanted {
                return Ok(());
            }
            anyhow::ensure!(
                tokio::time::Instant::now() < bound,
                "{purpose}: {states:?}, wanted {wanted:?}"
            );
            ticks.tick().await;
        }
    }
}

/// A sender of texts whose link and listener run.
pub(crate) struct Texts {
    pub(crate) sender: Sender<SmsProvider>,
    /// Where the listener hands receipts in.
    pub(crate) tray: Tray,
    stop: CancellationToken,
    link: JoinHandle<()>,
    listening: JoinHandle<()>,
}

impl Texts {
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        drop(self.tray);
        self.link.await?;
        self.listening.await?;
        Ok(())
    }
}
