//! Postgres goes away under load and comes back, by a crash and in good order: nothing acknowledged is lost, nothing is
//! done twice, and who asks meanwhile is told to ask again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use relight_common::{
    Begun, Code, Db, Error, Work, dead_letter, error::refuse, reconcile::Nothing, secrets::Secrets,
};
use relight_proto::events::v1::GridVersioned;
use relight_testkit::{PrivatePostgres, database_on, postgres::Parting, wait_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::world::{MIGRATIONS, Notes, TELLS, World, meta, payload};

/// Clients that send commands at once.
const CLIENTS: usize = 4;
/// Acknowledged between two restarts.
const BETWEEN: usize = 60;

/// One command as an rpc does it: an event about the aggregate that has the command's id.
async fn command(db: &Db, id: Uuid) -> Result<GridVersioned, Status> {
    let doing = async {
        let meta = meta(&id.to_string(), "restarted").expect("a command id");
        match Work::begin(db, meta).await? {
            Begun::Before(reply) => Ok(reply),
            Begun::New(mut work) => {
                work.tell(TELLS, id, 1, "demo", &payload("fine"));
                work.commit(payload("done")).await
            }
        }
    };
    doing.await.map_err(|error: Error| refuse("intake")(error))
}

/// Sends command after command, each with its id until it is acknowledged. Gives back what was.
async fn client(db: Db, count: Arc<AtomicUsize>, stop: CancellationToken) -> anyhow::Result<Vec<Uuid>> {
    let (mut acknowledged, mut again) = (Vec::new(), tokio::time::interval(Duration::from_millis(20)));
    while !stop.is_cancelled() {
        let id = Uuid::now_v7();
        while let Err(status) = command(&db, id).await {
            anyhow::ensure!(status.code() == Code::Unavailable, "{status}");
            again.tick().await;
        }
        acknowledged.push(id);
        count.fetch_add(1, Ordering::SeqCst);
    }
    Ok(acknowledged)
}

#[tokio::test]
async fn postgres_restarted_under_load_loses_nothing_acknowledged_and_doubles_nothing() -> anyhow::Result<()>
{
    let mut postgres = PrivatePostgres::start().await?;
    let database = database_on(&postgres.url(), "intake", &MIGRATIONS).await?;
    let world = World::build_on(database, "test", Secrets::ephemeral(), |_| ()).await?;
    world.room("intake").await?.keep_house(Nothing)?;
    world.listen(Notes::default()).await?;
    let db = Db::connect(&world.host.settings.database, "intake").await?;
    let (count, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(db.clone(), count.clone(), stop.clone()));
    }
    for parting in [Parting::Crash, Parting::Fast, Parting::Crash] {
        let before = count.load(Ordering::SeqCst);
        wait_until("commands are acknowledged", async || {
            Ok(count.load(Ordering::SeqCst) >= before + BETWEEN)
        })
        .await?;
        postgres.stop(parting).await?;
        let refusal = command(&db, Uuid::now_v7())
            .await
            .expect_err("nobody could keep it");
        assert_eq!(refusal.code(), Code::Unavailable, "{parting:?}");
        assert_eq!(
            refusal.message(),
            "intake could not complete the request; send it again"
        );
        postgres.start_again().await?;
    }
    stop.cancel();
    let mut acknowledged = Vec::new();
    while let Some(ids) = clients.join_next().await {
        acknowledged.extend(ids??.into_iter().map(|id| id.to_string()));
    }
    acknowledged.sort();
    world.wait_applied(i64::try_from(acknowledged.len())?).await?;
    assert!(
        dead_letter::open(world.reader_db.pool(), None, None)
            .await?
            .is_empty()
    );
    let applied: Vec<String> = sqlx::query_scalar("select subject from effect order by subject")
        .fetch_all(world.reader_db.pool())
        .await?;
    assert_eq!(applied, acknowledged);
    world.host.shut_down().await;
    Ok(())
}
