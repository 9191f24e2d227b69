//! Notices: who is told what, on which channel, with proof. See README.md for what it promises.
//!
//! - [`domain`]: rules without I/O: words, lifetimes, the night, what becomes of a message.
//! - [`consumer`]: news of the others become messages; [`people`]: who is told and how they are reached;
//!   [`spread`]: notices for many, page by page; [`rounds`]: a second channel; [`served`]: what became of them is told;
//!   [`wrong`]: contacts that are somebody else's, and what people answer; [`still_off`]: whether supply is back.
//! - [`sender`]: messages become attempts at a provider; [`desk`]: answers and receipts settle them; [`bells`]: who waits
//!   for work is told.
//! - [`channel`]: the edges towards providers. [`store`]: all SQL. [`rpc`]: what others ask.

pub mod bells;
pub mod channel;
pub mod config;
pub mod consumer;
pub mod desk;
pub mod domain;
pub mod error;
pub mod people;
pub mod reconcile;
pub mod rounds;
pub mod rpc;
pub mod seal;
pub mod sender;
pub mod served;
pub mod spread;
pub mod still_off;
pub mod store;
pub mod template;
pub mod wrong;

use std::sync::Arc;

use relight_common::{
    lease,
    service::{Host, Room},
};
use relight_proto::notify::v1::{
    messages_server::MessagesServer, notify_server::NotifyServer, replies_server::RepliesServer,
    wrong_person_server::WrongPersonServer,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use bells::Bells;
use channel::{
    smpp::{self, Address},
    smtp::Mailer,
};
use config::{Config, MAIL_PROVIDER, SMS_PROVIDER};
use consumer::Notices;
use people::People;
use reconcile::Keeper;
use rpc::Api;
use seal::Sealer;
use sender::{
    Provider, Sender,
    mail::MailProvider,
    record::{Recorder, tray},
    sms::{Listener, SmsProvider},
};
use served::Teller;
use spread::Spreader;
use template::Book;

/// Migrations of the schema `notify`.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

const NAME: &str = "notify";

/// Starts notify on `listener`; what runs is owned by `host`.
///
/// # Errors
/// When the configuration, the database or the certificates are not in order.
pub async fn run(host: &Host, listener: TcpListener) -> anyhow::Result<()> {
    run_with(host, listener, config::load()?).await
}

/// [`run`] with a configuration that was read before.
///
/// # Errors
/// As [`run`].
pub async fn run_with(host: &Host, listener: TcpListener, config: Config) -> anyhow::Result<()> {
    let room = host.room(NAME, &MIGRATIONS).await?;
    let sealer = Sealer::new(&host.secrets);
    let shared = Shared {
        people: Arc::new(People::new(&room.peers, sealer.clone())),
        book: Arc::new(Book::new()),
        bells: Arc::default(),
        sealer,
        room,
    };
    shared.send_texts(&config)?;
    shared.send_mail(&config)?;
    shared.spread(&config);
    shared.tell();
    shared.room.keep_house(Keeper)?;
    let notices = Arc::new(shared.notices(&config));
    for source in ["intake", "dispatch", "insight", "planner", "arrears"] {
        shared.room.read(source, notices.clone());
    }
    let api = shared.api(&config);
    shared
        .room
        .serve(listener, |routes, guard| {
            routes
                .add_service(NotifyServer::with_interceptor(api.clone(), guard.clone()))
                .add_service(WrongPersonServer::with_interceptor(api.clone(), guard.clone()))
                .add_service(MessagesServer::with_interceptor(api.clone(), guard.clone()))
                .add_service(RepliesServer::with_interceptor(api, guard));
        })
        .await
}

/// What the parts of notify share.
struct Shared {
    room: Room,
    people: Arc<People>,
    book: Arc<Book>,
    sealer: Sealer,
    bells: Arc<Bells>,
}

impl Shared {
    fn notices(&self, config: &Config) -> Notices {
        Notices {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            house: config.house.clone(),
            zone: config.zone,
            bells: self.bells.clone(),
        }
    }

    fn api(&self, config: &Config) -> Api {
        Api {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            house: config.house.clone(),
            zone: config.zone,
            bells: self.bells.clone(),
        }
    }

    fn sender<P: Provider>(&self, provider: P) -> Sender<P> {
        Sender {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            bells: self.bells.clone(),
            provider,
        }
    }

    fn recorder(&self, provider: &'static str) -> Recorder {
        Recorder {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
            provider,
        }
    }

    /// Spreads notices of outages whenever this process holds the lease.
    fn spread(&self, config: &Config) {
        let spreader = Spreader {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
            people: self.people.clone(),
            sealer: self.sealer.clone(),
            book: self.book.clone(),
            house: config.house.clone(),
            zone: config.zone,
            bells: self.bells.clone(),
        };
        let host = self.room.host.clone();
        self.room.host.tasks.spawn(async move {
            let pool = spreader.db.pool().clone();
            lease::run_under(&pool, "spreader", host.holder, &host.stop, |lease, ended| {
                let spreader = &spreader;
                async move { spreader.run(&lease, &ended).await }
            })
            .await;
        });
    }

    /// Tells what became of notices whenever this process holds the lease.
    fn tell(&self) {
        let teller = Teller {
            db: self.room.db.clone(),
            clock: self.room.host.clock.clone(),
        };
        let host = self.room.host.clone();
        self.room.host.tasks.spawn(async move {
            let pool = teller.db.pool().clone();
            lease::run_under(&pool, "teller", host.holder, &host.stop, |lease, ended| {
                let teller = &teller;
                async move { teller.run(&lease, &ended).await }
            })
            .await;
        });
    }

    /// Sends texts whenever this process holds the lease. Without an address they wait.
    fn send_texts(&self, config: &Config) -> anyhow::Result<()> {
        if config.sms.address.is_empty() {
            tracing::info!("sms.address is empty: texts wait");
            return Ok(());
        }
        let bind = config.sms.bind()?;
        let from = Address::sender(&config.sms.source)
            .map_err(|error| anyhow::anyhow!("sms.source: {}", error.problem))?;
        smpp::open(bind.clone()).map_err(|error| anyhow::anyhow!("sms.{error}"))?;
        let listener = Arc::new(Listener {
            sealer: self.sealer.clone(),
            answers: wrong::Reader {
                db: self.room.db.clone(),
                clock: self.room.host.clock.clone(),
                sealer: self.sealer.clone(),
                book: self.book.clone(),
                house: config.house.clone(),
                bells: self.bells.clone(),
            },
        });
        let per_second = config.sms.per_second;
        let host = self.room.host.clone();
        let shared = self.clone_for_task();
        self.room.host.tasks.spawn(async move {
            let pool = shared.room.db.pool().clone();
            lease::run_under(&pool, "sender:sms", host.holder, &host.stop, |lease, ended| {
                let (bind, from, listener, shared) = (bind.clone(), from.clone(), &listener, &shared);
                async move {
                    let Ok((client, inbound, link)) = smpp::open(bind.clone()) else {
                        return;
                    };
                    let provider = SmsProvider::new(client, from, bind.window, per_second);
                    let sender = shared.sender(provider);
                    let (recorder, (tray, news)) = (shared.recorder(SMS_PROVIDER), tray());
                    // The link outlives the sender, so that what is on its way gets its answer; the recorder both.
                    let unbind = CancellationToken::new();
                    let link = tokio::spawn(link.run(unbind.clone()));
                    let listen = listener.run(inbound, tray.clone(), &ended);
                    let send = async {
                        sender.run(&lease, &tray, &ended).await;
                        unbind.cancel();
                        drop(tray);
                    };
                    let (_, _, _, link) = tokio::join!(send, listen, recorder.run(news, &ended), link);
                    if let Err(error) = link {
                        tracing::error!(provider = SMS_PROVIDER, %error, "the SMPP link broke");
                    }
                }
            })
            .await;
        });
        Ok(())
    }

    /// Sends mail whenever this process holds the lease. Without an address it waits.
    fn send_mail(&self, config: &Config) -> anyhow::Result<()> {
        if config.mail.address.is_empty() {
            tracing::info!("mail.address is empty: mails wait");
            return Ok(());
        }
        let mailer = Mailer::new(config.mail.relay()?).map_err(|error| anyhow::anyhow!("mail.{error}"))?;
        let (from, window) = (config.mail.from.clone(), config.mail.concurrency);
        let sender = self.sender(MailProvider { mailer, from, window });
        let recorder = self.recorder(MAIL_PROVIDER);
        let host = self.room.host.clone();
        self.room.host.tasks.spawn(async move {
            let pool = sender.db.pool().clone();
            lease::run_under(&pool, "sender:email", host.holder, &host.stop, |lease, ended| {
                let (sender, recorder) = (&sender, &recorder);
                async move {
                    let (tray, news) = tray();
                    let send = async {
                        sender.run(&lease, &tray, &ended).await;
                        drop(tray);
                    };
                    tokio::join!(send, recorder.run(news, &ended));
                }
            })
            .await;
            sender.provider.mailer.close().await;
        });
        Ok(())
    }

    fn clone_for_task(&self) -> Self {
        Self {
            room: self.room.clone(),
            people: self.people.clone(),
            book: self.book.clone(),
            sealer: self.sealer.clone(),
            bells: self.bells.clone(),
        }
    }
}
