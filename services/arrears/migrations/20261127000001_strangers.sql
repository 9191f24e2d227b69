-- A text that was delivered may turn out to have reached somebody else (operations.md O15): it proves nothing then. A
-- customer with two numbers has two deliveries of one message, and either may be a stranger's.
alter table message
    add column reached integer not null default 0 constraint message_reached_whole check (reached >= 0),
    -- The latest of them.
    add column reached_at timestamptz,
    add column strangers integer not null default 0 constraint message_strangers_among_reached
        check (strangers between 0 and reached);
update message set reached = 1, reached_at = result_at where result = 'delivered';
alter table message
    drop constraint message_result_word,
    add constraint message_result_word check (result in ('delivered', 'failed', 'wrong_person'));
