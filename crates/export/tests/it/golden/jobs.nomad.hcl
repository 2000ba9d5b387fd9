# ---- report.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "report" {
  type = "batch"
  periodic {
    crons = ["30 3 * * 1"]
    prohibit_overlap = true
  }
  group "report" {
    count = 1
    restart {
      attempts = 0
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "report" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "report:latest"
        command = "bash"
        args = ["/app/report.sh"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- import.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "import" {
  type = "batch"
  group "import" {
    count = 1
    restart {
      attempts = 0
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "import" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "import:latest"
        command = "/app/bin/tool"
        args = ["--all"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- fridays.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "fridays" {
  type = "batch"
  periodic {
    crons = ["0 0 13 * 5"]
    prohibit_overlap = true
  }
  group "fridays" {
    count = 1
    restart {
      attempts = 0
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "fridays" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "fridays:latest"
        command = "bash"
        args = ["/app/report.sh"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- nightly.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# nightly: `cron_restart`: nothing restarts it by the clock
job "nightly" {
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
  group "nightly" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "nightly" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "nightly:latest"
        command = "python3"
        args = ["/app/worker.py"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- spare.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# spare: no `health`: a new replica gets requests as soon as it is started, before it listens
# spare: `autostart`: 0 of 2 replicas
# spare: `drain_timeout`: nothing is loaded into the app; when it is asked to end, it must finish its connections by itself
job "spare" {
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
  group "spare" {
    count = 0
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-4000" {
        to = 4000
      }
    }
    service {
      name = "spare"
      port = "port-4000"
      provider = "nomad"
    }
    task "spare" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "spare:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-4000"]
      }
      env = {
        "PORT" = "4000"
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- migrate.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "migrate" {
  type = "batch"
  group "migrate" {
    count = 1
    restart {
      attempts = 0
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "migrate" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "migrate:latest"
        command = "bash"
        args = ["/app/report.sh"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- api.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "api" {
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
  group "api" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-8080" {
        to = 8080
      }
    }
    service {
      name = "api"
      port = "port-8080"
      provider = "nomad"
      check {
        type = "http"
        path = "/"
        interval = "1000ms"
        timeout = "2000ms"
      }
    }
    task "api" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "api:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-8080"]
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- mailer.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# mailer: `depends_on`: it does not wait for `migrate`, `api`
job "mailer" {
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
  group "mailer" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "mailer" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "mailer:latest"
        command = "python3"
        args = ["/app/worker.py"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
