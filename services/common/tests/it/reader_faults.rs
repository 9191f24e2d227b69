//! What a reader does when it dies, is told to stop, or has an owner or a stream that is no use.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use relight_common::{
    Work,
    config::Grpc,
    dead_letter,
    grpc::{self, EventsOwner, Peers},
    reader::{Consumer, Outcome, Runs, apply_batch, apply_runs},
    reconcile::Nothing,
    secrets::Secrets,
    work::partition_of,
};
use relight_proto::events::v1::{
    Event, HeadReply, HeadRequest, ReadReply, ReadRequest,
    events_server::{Events, EventsServer},
};
use relight_testkit::wait_until;
use sqlx::Connection;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::world::{Notes, NotesError, TELLS, World, applied, event, owner, tell};

/// Stops inside `apply` until told to go on, and then cannot.
#[derive(Default)]
struct Dies {
    inside: Notify,
    go_on: Notify,
}

impl Consumer for Dies {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Ok(())
    }

    async fn apply(&self, _work: &mut Work, _event: &Event, (): ()) -> Result<Outcome, NotesError> {
        self.inside.notify_one();
        self.go_on.notified().await;
        Err(NotesError::NotNow)
    }
}

/// An owner that counts who asks, does not know its heads, and has no events.
#[derive(Clone, Default)]
struct Away {
    asked: Arc<AtomicUsize>,
    read: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Events for Away {
    async fn head(&self, _: Request<HeadRequest>) -> Result<Response<HeadReply>, Status> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Err(Status::unavailable("away"))
    }

    async fn read(&self, _: Request<ReadRequest>) -> Result<Response<ReadReply>, Status> {
        self.read.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(ReadReply::default()))
    }
}

impl Away {
    async fn serve(&self, stop: &CancellationToken) -> anyhow::Result<EventsOwner> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mut routes = grpc::routes().await;
        routes.add_service(EventsServer::new(self.clone()));
        tokio::spawn(grpc::serve(listener, routes.routes(), None, stop.clone()));
        let config = Grpc {
            tls: false,
            listen: Default::default(),
            peers: [("intake".to_owned(), format!("http://127.0.0.1:{port}"))].into(),
        };
        Ok(Peers::new(&config, &Secrets::ephemeral(), "dispatch")?.events_of("intake"))
    }
}

async fn subjects(db: &relight_common::Db) -> anyhow::Result<Vec<String>> {
    Ok(sqlx::query_scalar("select subject from effect order by n")
        .fetch_all(db.pool())
        .await?)
}

/// The process dies inside the first of two events so often (the future is dropped there, as a crash would); who is applied by
/// the next start.
async fn applied_after_deaths(deaths: usize) -> anyhow::Result<[bool; 2]> {
    let db = owner().await?;
    let (killer, other) = (Uuid::now_v7(), Uuid::now_v7());
    let batch = vec![
        event(1, killer, 1, TELLS, "fine"),
        event(2, other, 1, TELLS, "fine"),
    ];
    let stop = CancellationToken::new();
    for _ in 0..deaths {
        let dies = Dies::default();
        tokio::select! {
            reached = apply_batch(&db, "intake", 0, batch.clone(), &dies, &stop) => anyhow::bail!("{reached:?}"),
            () = dies.inside.notified() => {}
        }
    }
    apply_batch(&db, "intake", 0, batch, &Notes::default(), &stop).await?;
    let applied = subjects(&db).await?;
    Ok([killer, other].map(|id| applied.contains(&id.to_string())))
}

#[tokio::test]
async fn an_entry_that_killed_its_reader_three_times_alone_is_parked_unread() -> anyhow::Result<()> {
    assert_eq!(applied_after_deaths(5).await?, [false, true]);
    Ok(())
}

/// Two crashes during a batch and two more say nothing of its first event: the soak killed a process so, for other reasons.
#[tokio::test]
async fn an_entry_in_whose_company_readers_died_is_applied() -> anyhow::Result<()> {
    assert_eq!(applied_after_deaths(4).await?, [true, true]);
    Ok(())
}

/// Applies like [`Notes`], and never comes back from the events of one aggregate.
struct Killed {
    by: Uuid,
    inside: Notify,
}

impl Consumer for Killed {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Ok(())
    }

    async fn apply(&self, work: &mut Work, event: &Event, (): ()) -> Result<Outcome, NotesError> {
        if event.subject == self.by.to_string() {
            self.inside.notify_one();
            std::future::pending::<()>().await;
        }
        Notes::default().apply(work, event, ()).await
    }
}

/// Partitions are applied in one transaction, so a killer takes its neighbours with it; blamed is the killer alone.
#[tokio::test]
async fn a_killer_in_one_partition_parks_nobody_in_the_others() -> anyhow::Result<()> {
    let db = owner().await?;
    let killer = Uuid::now_v7();
    let innocent: [Uuid; 4] = std::array::from_fn(|_| Uuid::now_v7());
    let run = |partition: u32, subjects: [Uuid; 2]| -> Vec<Event> {
        let numbered = (1..).zip(subjects);
        let events = numbered.map(|(seq, subject)| event(seq, subject, 1, TELLS, "fine"));
        events.map(|event| Event { partition, ..event }).collect()
    };
    let runs = Runs::from([
        (0, run(0, [innocent[0], innocent[1]])),
        (1, run(1, [killer, innocent[2]])),
        (3, run(3, [innocent[3], innocent[0]])),
    ]);
    let (consumer, stop) = (
        Killed {
            by: killer,
            inside: Notify::new(),
        },
        CancellationToken::new(),
    );
    let mut deaths = 0;
    let reached = loop {
        tokio::select! {
            reached = apply_runs(&db, "intake", &runs, &consumer, &stop) => break reached?,
            () = consumer.inside.notified() => deaths += 1,
        }
    };
    assert_eq!((deaths, reached), (5, [(0, 2), (1, 2), (3, 2)].into()));
    let parked: Vec<String> = sqlx::query_scalar("select subject from dead_letter")
        .fetch_all(db.pool())
        .await?;
    assert_eq!(parked, [killer.to_string()]);
    let mut applied = subjects(&db).await?;
    applied.sort();
    let mut expected: Vec<String> = innocent
        .iter()
        .chain([&innocent[0]])
        .map(Uuid::to_string)
        .collect();
    expected.sort();
    assert_eq!(applied, expected);
    Ok(())
}

/// Writes a batch by one statement, which the text "poison" or "panic" in any event of it spoils.
#[derive(Default)]
struct Gathers {
    /// Events of each batch that was written.
    wrote: Mutex<Vec<usize>>,
}

impl Consumer for Gathers {
    type Prepared = ();
    type Error = NotesError;

    async fn prepare(&self, _event: &Event) -> Result<(), NotesError> {
        Ok(())
    }

    async fn apply(&self, _work: &mut Work, _event: &Event, (): ()) -> Result<Outcome, NotesError> {
        unreachable!("it applies all events together")
    }

    async fn apply_all(&self, work: &mut Work, events: Vec<(&Event, ())>) -> Result<(), NotesError> {
        let ids: Vec<&str> = events.iter().map(|(event, ())| event.id.as_str()).collect();
        let subjects: Vec<&str> = events.iter().map(|(event, ())| event.subject.as_str()).collect();
        sqlx::query(
            "insert into effect (event_id, subject, version) select id, subject, 1 from unnest($1::text[], $2::text[]) e (id, subject)",
        )
        .bind(ids)
        .bind(subjects)
        .execute(work.conn())
        .await
        .map_err(relight_common::Error::db("note events"))?;
        for (event, ()) in &events {
            match crate::world::text_of(event).as_str() {
                "poison" => return Err(NotesError::Poison),
                "panic" => panic!("a consumer with a bug"),
                _ => {}
            }
        }
        self.wrote
            .lock()
            .expect("nobody panics with it")
            .push(events.len());
        Ok(())
    }
}

/// Whoever applies a batch by one statement still has the one guilty event parked, and every other applied once.
#[tokio::test]
async fn of_a_batch_written_at_once_the_guilty_event_alone_is_parked() -> anyhow::Result<()> {
    for guilt in ["poison", "panic"] {
        let db = owner().await?;
        let (stop, gathers) = (CancellationToken::new(), Gathers::default());
        let all: [Uuid; 6] = std::array::from_fn(|_| Uuid::now_v7());
        let texts = ["fine", "fine", guilt, "fine", "fine"];
        let batch: Vec<Event> = (1..)
            .zip(all.iter().zip(texts))
            .map(|(seq, (subject, text))| event(seq, *subject, 1, TELLS, text))
            .collect();
        apply_batch(&db, "intake", 0, batch, &gathers, &stop).await?;
        let parked = dead_letter::open(db.pool(), Some("intake"), None).await?;
        assert_eq!(
            parked.iter().map(|one| one.seq).collect::<Vec<_>>(),
            [3],
            "{guilt}"
        );

        // What waits behind it waits, and the rest goes together again.
        let next = [
            event(6, all[2], 2, TELLS, "fine"),
            event(7, all[0], 2, TELLS, "fine"),
            event(8, all[5], 1, TELLS, "fine"),
        ];
        apply_batch(&db, "intake", 0, next.to_vec(), &gathers, &stop).await?;
        let parked = dead_letter::open(db.pool(), Some("intake"), None).await?;
        assert_eq!(parked.iter().map(|one| one.seq).collect::<Vec<_>>(), [3, 6]);
        let wanted = [0, 1, 3, 4, 0, 5].map(|n| all[n].to_string());
        assert_eq!(subjects(&db).await?, wanted);
        assert_eq!(
            *gathers.wrote.lock().expect("nobody panics with it"),
            [1, 1, 1, 1, 2]
        );
    }
    Ok(())
}

/// A stop in the middle of an event is no death, however often it happens.
#[tokio::test]
async fn a_reader_told_to_stop_inside_an_event_is_not_blamed_on_the_event() -> anyhow::Result<()> {
    let db = owner().await?;
    let subject = Uuid::now_v7();
    let batch = vec![event(1, subject, 1, TELLS, "fine")];
    for _ in 0..5 {
        let (dies, stop) = (Dies::default(), CancellationToken::new());
        let told = async {
            dies.inside.notified().await;
            stop.cancel();
            dies.go_on.notify_one();
        };
        let applying = apply_batch(&db, "intake", 0, batch.clone(), &dies, &stop);
        assert_eq!(tokio::join!(told, applying).1?, 0);
    }
    let stop = CancellationToken::new();
    apply_batch(&db, "intake", 0, batch, &Notes::default(), &stop).await?;
    assert_eq!(subjects(&db).await?, [subject.to_string()]);
    Ok(())
}

/// A service restarted often on a quiet day, with an owner that is away, has not died at the event that comes next.
#[tokio::test]
async fn restarts_without_anything_to_read_park_nothing() -> anyhow::Result<()> {
    let world = World::build().await?;
    let away = Away::default();
    for start in 1..=5 {
        let stop = CancellationToken::new();
        let reader = world.read(away.serve(&stop).await?, Arc::new(Notes::default()), &stop);
        wait_until("the reader asked", async || {
            Ok(away.asked.load(Ordering::SeqCst) >= start)
        })
        .await?;
        stop.cancel();
        reader.await?;
    }
    world.room("intake").await?.keep_house(Nothing)?;
    world.listen(Notes::default()).await?;
    tell(&world.owner_db, Uuid::now_v7(), 1).await?;
    world.wait_applied(1).await?;
    let parked = dead_letter::open(world.reader_db.pool(), None, None).await?;
    assert!(parked.is_empty(), "{parked:?}");
    world.host.shut_down().await;
    Ok(())
}

#[tokio::test]
async fn an_owner_that_is_away_does_not_keep_a_reader_from_what_redis_has() -> anyhow::Result<()> {
    let world = World::build().await?;
    world.room("intake").await?.keep_house(Nothing)?;
    let stop = CancellationToken::new();
    let reader = world.read(
        Away::default().serve(&stop).await?,
        Arc::new(Notes::default()),
        &stop,
    );
    tell(&world.owner_db, Uuid::now_v7(), 1).await?;
    world.wait_applied(1).await?;
    stop.cancel();
    reader.await?;
    world.host.shut_down().await;
    Ok(())
}

/// Rubbish at the end of a stream is handed over again by every read: the reader must not spin on it.
#[tokio::test]
async fn rubbish_that_nobody_can_replace_does_not_make_a_reader_spin() -> anyhow::Result<()> {
    let mut world = World::build().await?;
    let key = world.stream(partition_of(Uuid::nil()));
    let _: String = redis::cmd("XADD")
        .arg(&[key.as_str(), "999-0", "e", "rubbish"])
        .query_async(&mut world.redis)
        .await?;
    let (away, stop) = (Away::default(), CancellationToken::new());
    let reader = world.read(away.serve(&stop).await?, Arc::new(Notes::default()), &stop);
    let pulls = async |count| {
        wait_until("the reader pulled", async || {
            Ok(away.read.load(Ordering::SeqCst) >= count)
        })
        .await
    };
    pulls(1).await?;
    let first = Instant::now();
    pulls(5).await?;
    assert!(
        first.elapsed() > Duration::from_millis(800),
        "{:?}",
        first.elapsed()
    );
    assert_eq!(applied(&world.reader_db).await?, 0);
    stop.cancel();
    reader.await?;
    world.host.shut_down().await;
    Ok(())
}

/// The position cannot be stored (a crash at that place would do the same): then there is no effect either, and both
/// come when it can be stored again.
#[tokio::test]
async fn an_effect_is_never_stored_without_its_position() -> anyhow::Result<()> {
    let db = owner().await?;
    let mut conn = sqlx::PgConnection::connect_with(&db.owner().options([("search_path", "intake")])).await?;
    sqlx::raw_sql(
        "create function breaks() returns trigger language plpgsql as $$ begin raise 'broken here'; end $$;
         create trigger breaks before update on reader_position for each row when (new.seq > old.seq) execute function breaks()",
    )
    .execute(&mut conn)
    .await?;
    let subject = Uuid::now_v7();
    let batch = vec![
        event(1, subject, 1, TELLS, "fine"),
        event(2, subject, 2, TELLS, "fine"),
    ];
    let (notes, stop) = (Notes::default(), CancellationToken::new());
    assert!(
        apply_batch(&db, "intake", 0, batch.clone(), &notes, &stop)
            .await
            .is_err()
    );
    assert_eq!(applied(&db).await?, 0);
    sqlx::raw_sql("drop trigger breaks on reader_position")
        .execute(&mut conn)
        .await?;
    assert_eq!(apply_batch(&db, "intake", 0, batch, &notes, &stop).await?, 2);
    assert_eq!(applied(&db).await?, 2);
    Ok(())
}
