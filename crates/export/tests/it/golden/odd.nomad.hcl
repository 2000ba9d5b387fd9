# ---- gr-e-1.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# Größe: 1: `watch`: nothing is restarted by a changed file
# Größe: 1: `shutdown_with_message`: the app is sent SIGINT
job "gr-e-1" {
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
  group "gr-e-1" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "gr-e-1" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "gr-e-1:latest"
        command = "node"
        args = ["--max-old-space-size=256", "/app/server.js", "a b", "$HOME", "$${X}", "100%", "%%{y}", "\"q\"", "back\\slash", "$(z)", ""]
        work_dir = "/app"
        init = true
      }
      env = {
        "A" = "$HOME $${X} $(Z) %h %%{y}"
        "B" = "two\nlines\ttab"
        "C" = "yes"
        "D" = ""
        "E" = "1.5"
        "F" = "# no comment"
        "G" = "é \"'\\"
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- gr-e-1-2.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# Größe- 1: no `health`: a new replica gets requests as soon as it is started, before it listens
# Größe- 1: `increment_var`: `PORT` is the same in each replica
# Größe- 1: `drain_timeout`: nothing is loaded into the app; when it is asked to end, it must finish its connections by itself
# Größe- 1: `exp_backoff_restart_delay`: the pause does not grow
# Größe- 1: `stop_exit_codes`: it is restarted after each of them
# Größe- 1: `log_type`: lines are as the app writes them, and no objects
# Größe- 1: `log_date_format`: the engine keeps the time of each line
job "gr-e-1-2" {
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
  group "gr-e-1-2" {
    count = 2
    restart {
      attempts = 16
      interval = "80s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-3000" {
        to = 3000
      }
    }
    service {
      name = "gr-e-1-2"
      port = "port-3000"
      provider = "nomad"
    }
    task "gr-e-1-2" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "gr-e-1-2:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-3000"]
      }
      env = {
        "PORT" = "3000"
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- third.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# third: `health`: Nomad runs no command in a container by itself
# third: `max_memory_restart`: the kernel kills it there, and asks nobody
job "third" {
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
  group "third" {
    count = 1
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
      name = "third"
      port = "port-3000"
      provider = "nomad"
    }
    task "third" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "third:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-3000"]
      }
      env = {
        "PORT" = "3000"
      }
      logs {
        max_files = 4
        max_file_size = 10
      }
      resources {
        memory = 10
      }
    }
  }
}
# ---- silent.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# silent: `fds`: a UNIX socket is not handed over
# silent: no `health`: a new replica gets requests as soon as it is started, before it listens
# silent: `drain_timeout`: nothing is loaded into the app; when it is asked to end, it must finish its connections by itself
job "silent" {
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
  group "silent" {
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
      name = "silent"
      port = "port-8080"
      provider = "nomad"
    }
    task "silent" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "silent:latest"
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
# ---- calls.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "calls" {
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
  group "calls" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-50051" {
        to = 50051
      }
    }
    service {
      name = "calls"
      port = "port-50051"
      provider = "nomad"
      check {
        type = "grpc"
        grpc_service = "shop.v1.Orders"
        interval = "1000ms"
        timeout = "2000ms"
      }
    }
    task "calls" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "calls:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-50051"]
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- heard.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
# heard: `ready`: nobody looks whether it does: send `READY=1`; give it a `health`
# heard: `watchdog`: nobody hears `WATCHDOG=1`; give the app a `health` that shows whether it hangs
job "heard" {
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
  group "heard" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    task "heard" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "heard:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
      }
      resources {
        memory = 300
      }
    }
  }
}
# ---- far.nomad.hcl
# Made by `ostler export nomad shop.json`.
# Images: each has the folder of the process file as `/app`, and what runs the script. Put your registry before
# their names. What an app writes and must keep wants a volume, of which the process file does not tell.
job "far" {
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
  group "far" {
    count = 1
    restart {
      attempts = 16
      interval = "16s"
      delay = "0ms"
      mode = "fail"
    }
    network {
      port "port-50051" {
        to = 50051
      }
    }
    service {
      name = "far"
      port = "port-50051"
      provider = "nomad"
      check {
        type = "grpc"
        interval = "1000ms"
        timeout = "2000ms"
      }
    }
    task "far" {
      driver = "docker"
      kill_signal = "SIGINT"
      kill_timeout = "1600ms"
      config {
        image = "far:latest"
        command = "node"
        args = ["/app/server.js"]
        work_dir = "/app"
        init = true
        ports = ["port-50051"]
      }
      resources {
        memory = 300
      }
    }
  }
}
