# ---- api.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# api: `DB_PASSWORD`: a secret; `nomad var put nomad/jobs/api …`
# api: `drain_timeout`: nothing is loaded into the app; when it is asked to end, it must finish its connections by itself
# api: `max_memory_restart`: the kernel kills it there, and asks nobody
job "api" {
  type = "service"
  update {
    max_parallel = 1
    canary = 3
    auto_promote = true
    auto_revert = true
    min_healthy_time = "0ms"
    healthy_deadline = "20000ms"
    progress_deadline = "80000ms"
  }
  group "api" {
    count = 3
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-3000" {
        to = 3000
      }
    }
    service {
      name = "api"
      port = "port-3000"
      provider = "nomad"
      check {
        type = "http"
        path = "/health"
        interval = "2000ms"
        timeout = "3000ms"
      }
    }
    task "api" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "10000ms"
      config {
        image = "api:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-3000"]
      }
      env = {
        "NODE_ENV" = "production"
        "PORT" = "3000"
      }
      template {
        data = <<SECRETS
{{ with nomadVar "nomad/jobs/api" }}
DB_PASSWORD={{ .DB_PASSWORD | toJSON }}
{{ end }}
SECRETS
        destination = "secrets/app.env"
        env = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- mail-worker.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# mail worker: `/srv/shop/logs/mail.log`: output goes to the engine's log
job "mail-worker" {
  type = "service"
  update {
    max_parallel = 1
    canary = 1
    auto_promote = true
    auto_revert = true
    min_healthy_time = "0ms"
    healthy_deadline = "30000ms"
    progress_deadline = "90000ms"
  }
  group "mail-worker" {
    count = 1
    restart {
      attempts = 5
      interval = "15s"
      delay = "2000ms"
      mode = "fail"
    }
    task "mail-worker" {
      driver = "docker"
      kill_signal = "SIGTERM"
      kill_timeout = "1600ms"
      config {
        image = "mail-worker:latest"
        command = "python3"
        args = ["/app/worker.py", "--queue", "new mail"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- chat.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# chat: `drain_timeout`: nothing is loaded into the app; when it is asked to end, it must finish its connections by itself
# chat: `balance: 'sticky'`: clients do not stay with their replica
job "chat" {
  type = "service"
  update {
    max_parallel = 1
    canary = 2
    auto_promote = true
    auto_revert = true
    min_healthy_time = "0ms"
    healthy_deadline = "30000ms"
    progress_deadline = "90000ms"
  }
  group "chat" {
    count = 2
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-3001" {
        to = 3001
      }
    }
    service {
      name = "chat"
      port = "port-3001"
      provider = "nomad"
      check {
        type = "tcp"
        interval = "1000ms"
        timeout = "2000ms"
      }
    }
    task "chat" {
      driver = "docker"
      user = "1000:1000"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "chat:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-3001"]
      }
      env = {
        "PORT" = "3001"
      }
      resources {
        memory = 300
      }
    }
  }
}
