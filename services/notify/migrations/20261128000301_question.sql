-- After a restoration some customers are asked by text whether supply is back. Each question is bound to one message, so that an
-- answer is that of one service point.

alter table message
    drop constraint message_purpose_word,
    add constraint message_purpose_word check (purpose in ('accepted', 'crew_en_route', 'etr', 'restored', 'code',
        'outage_notice', 'outage_reminder', 'outage_changed', 'outage_late_start', 'outage_extended',
        'outage_cancelled', 'outage_void', 'outage_released', 'outage_safety',
        'arrears_reminder', 'arrears_disconnection', 'arrears_pre_notice', 'arrears_disconnected',
        'arrears_payment_received', 'arrears_reconnected', 'arrears_withdrawn', 'wrong_person',
        'still_off', 'still_off_answer'));

create table question (
    message_id uuid constraint question_pk primary key constraint question_message_fk references message (id),
    -- As intake names them.
    asked_id uuid not null constraint question_once unique,
    check_id uuid not null,
    -- The last answer, and how many there were: the version of what is told.
    said text constraint question_said_known check (said in ('back', 'still_off')),
    said_at timestamptz,
    version bigint not null default 0,
    constraint question_said_whole check ((said is null) = (said_at is null))
);
