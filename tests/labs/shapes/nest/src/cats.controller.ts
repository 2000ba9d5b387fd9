import { Controller, Get } from '@nestjs/common';
import { CatsService } from './cats.service.js';

@Controller('cats')
export class CatsController {
  constructor(private readonly cats: CatsService) {}

  @Get()
  all() {
    return this.cats.all();
  }
}
