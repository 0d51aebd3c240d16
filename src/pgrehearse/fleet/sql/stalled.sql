-- Jobs in the hand of a worker that is gone: its heart has not beaten for a while, or its row was pruned already.
SELECT job.id, job.task_name::text, job.args
FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing'
  AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(stall_s)s))
ORDER BY job.id
