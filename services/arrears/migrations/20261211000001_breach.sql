-- What the supervisor is told of: cuts without right, and supply that came back late. Kept when the case is over; the
-- apology for the first is a message like any other.
create table breach (
    case_id uuid not null constraint breach_case_fk references debt_case (id),
    kind text not null constraint breach_kind_word check (kind in ('wrongful_cut', 'late_reconnection')),
    off_at timestamptz not null,
    found_at timestamptz not null,
    -- Who found or reported it; who cut is in the steps of the case.
    found_by text not null,
    reason text not null,
    -- By when supply had to be back.
    due_at timestamptz not null,
    -- When it was; null while it is off.
    on_at timestamptz,
    constraint breach_pk primary key (case_id, kind)
);
create index breach_list on breach (found_at desc, case_id desc);

alter table message
    drop constraint message_kind_word,
    add constraint message_kind_word check (kind in ('reminder', 'disconnection', 'pre_notice', 'disconnected',
        'payment_received', 'reconnected', 'withdrawn', 'apology'));

-- Those of before: the step that led there says when and who.
insert into breach (case_id, kind, off_at, found_at, found_by, reason, due_at, on_at)
select c.id, 'wrongful_cut', coalesce((c.doc #>> '{state,off_at}')::timestamptz, s.at), s.at, s.actor,
    coalesce(c.doc #>> '{state,reason}', c.doc #>> '{state,back,reason}', ''), s.at, (c.doc #>> '{state,on_at}')::timestamptz
from debt_case c
join lateral (
    select at, actor from case_step where case_id = c.id and state = 'wrongful' order by version limit 1
) s on true;
