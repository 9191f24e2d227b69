-- Until when a question may be answered is told by who asks; it was twelve hours for all.

alter table question add column answer_until timestamptz;
update question q set answer_until = coalesce(m.submitted_at, m.due_at) + interval '12 hours'
    from message m where m.id = q.message_id;
alter table question alter column answer_until set not null;
