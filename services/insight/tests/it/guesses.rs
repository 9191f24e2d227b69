//! What a guess that is over was: an outage of those who reported, or none.

use crate::given::{Incident, people, world};

/// Supply came back of its own before anybody confirmed a device: that was an outage of those who reported, and counts until it was
/// over; a caller whose meter had supply, and one whose report was about something else, were never off.
#[tokio::test]
async fn a_guess_whose_supply_came_back_was_an_outage_until_then() -> anyhow::Result<()> {
    for (reason, minutes) in [
        ("restored", 99 + 97),
        ("fed_again", 99 + 97),
        ("supply_found", 0),
        ("no_evidence", 0),
        ("archived", 0),
        ("", 0),
    ] {
        let world = world().await?;
        let who = people(2);
        let mut guess = Incident::reported(&[(who[0], 1), (who[1], 3)]);
        world.incident(&guess).await?;
        let closed = guess.next(|told| {
            told.state = "closed".to_owned();
            told.closed_because = reason.to_owned();
        });
        world.incident(closed).await?;
        world.order(&world.step(&guess, "withdrawn", 105)).await?;
        assert!(world.off().await?.is_empty(), "{reason}");
        assert_eq!(world.minutes().await?, minutes, "{reason}");
        assert_eq!(world.told().await?.len(), 1, "{reason}: nobody is told restored");
    }
    Ok(())
}

/// A fault that is over stands behind a guess that held the record: when the guess turns out to be nothing, its time is that of the fault.
#[tokio::test]
async fn a_guess_that_was_none_gives_the_time_to_the_fault_that_is_over() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut guess = Incident::reported(&[(who[0], 0)]);
    world.incident(&guess).await?;
    let mut fault = Incident::reported(&[(who[1], 10)]);
    world.confirm(&mut fault, &who).await?;
    world.restore(&fault, 40, None).await?;
    let closed = fault.next(|told| told.state = "closed".to_owned());
    world.incident(closed).await?;
    world.order(&world.step(&fault, "archived", 60)).await?;
    assert_eq!(world.off_since().await?, [(who[0], 0)]);
    let closed = guess.next(|told| {
        told.state = "closed".to_owned();
        told.closed_because = "no_evidence".to_owned();
    });
    world.incident(closed).await?;
    world.order(&world.step(&guess, "withdrawn", 70)).await?;
    assert!(world.off().await?.is_empty());
    assert_eq!(world.minutes().await?, 30 + 30);
    Ok(())
}

/// A restoration that a crew told of says when, whatever comes first.
#[tokio::test]
async fn a_restoration_says_when_those_of_a_guess_were_back() -> anyhow::Result<()> {
    let world = world().await?;
    let who = people(2);
    let mut guess = Incident::reported(&[(who[0], 1), (who[1], 3)]);
    world.incident(&guess).await?;
    let closed = guess.next(|told| {
        told.state = "closed".to_owned();
        told.closed_because = "restored".to_owned();
    });
    world.incident(closed).await?;
    world.restore(&guess, 50, None).await?;
    world.order(&world.step(&guess, "archived", 105)).await?;
    assert_eq!(world.minutes().await?, 49 + 47);
    Ok(())
}
