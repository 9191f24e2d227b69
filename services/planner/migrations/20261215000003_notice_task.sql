-- Somebody is sent to tell a customer: who, until when, done by the proof of it. Of plans that were moved the rows stay.
create table notice_task (
    id uuid constraint notice_task_pk primary key,
    outage_id uuid not null,
    plan_no integer not null,
    customer_id uuid not null,
    channel text not null constraint notice_task_channel_word check (channel in ('visit', 'community', 'call')),
    assignee text not null constraint notice_task_assignee_some check (assignee <> ''),
    due_at timestamptz not null,
    note text not null default '',
    assigned_by text not null,
    assigned_at timestamptz not null,
    done_at timestamptz,
    done_by text not null default '',
    constraint notice_task_once unique (outage_id, plan_no, customer_id, channel),
    constraint notice_task_recipient foreign key (outage_id, customer_id) references recipient,
    constraint notice_task_done check ((done_at is null) = (done_by = ''))
);
create index notice_task_due on notice_task (due_at, id);
